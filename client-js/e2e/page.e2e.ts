/** The page to write on, with the real model behind it: ghost text, the panel, and the text that the browser keeps. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Paper } from './support/paper.js';

const OPENING = 'Once upon a time there was a little';

let paper: Paper;
beforeEach(async () => {
  paper = await Paper.open();
});
afterEach(() => paper.close());

describe('writing', () => {
  it('begins at once, and shows ghost text that Tab takes', async () => {
    await paper.type(OPENING);
    const ghost = await paper.suggestion();
    expect(await paper.written()).toBe(OPENING);
    await paper.press('Tab');
    expect(await paper.written()).toBe(OPENING + ghost);
    await expect.poll(() => paper.page.locator('#count').textContent()).toMatch(/^\d+ words$/);
  });

  it('offers openings that have ghost text at once, while nothing is written', async () => {
    const openings = paper.page.getByRole('group', { name: 'Openings' });
    await openings.getByRole('button', { name: 'A story' }).click();
    const opening = await paper.written();
    expect(await openings.isVisible()).toBe(false);
    const ghost = await paper.suggestion();
    await paper.press('Tab');
    expect(await paper.written()).toBe(opening + ghost);
  });

  it('keeps the focus in the text when Tab comes too late, and asks', async () => {
    await paper.type(OPENING);
    await paper.suggestion();
    await paper.press('Escape');
    await paper.type('x');
    await paper.press('Backspace');
    expect(await paper.ghost.isVisible()).toBe(false);
    await paper.press('Tab');
    await paper.suggestion();
    expect(await paper.written()).toBe(OPENING);
  });

  it('sets headings, lists and marks by what is typed', async () => {
    await paper.type('# The lighthouse\n- one\ntwo\n\n**bold** words\n> said');
    for (const [selector, text] of [
      ['h1', 'The lighthouse'],
      ['ul li >> nth=1', 'two'],
      ['strong', 'bold'],
    ] as const)
      expect(await paper.text.locator(selector).textContent()).toContain(text);
  });
});

describe('the panel', () => {
  it('tells connection, model, speed, reuse, and what was typed and accepted', async () => {
    await paper.type(OPENING);
    const ghost = await paper.suggestion();
    await paper.press('Tab');
    await expect.poll(() => paper.panel.locator('#connection').textContent()).toBe('Connected.');
    expect(await paper.figure('Model').textContent()).toMatch(/smollm2/i);
    for (const name of ['Median', '95th percentile', 'There and back'])
      await expect.poll(() => paper.figure(name).textContent()).toMatch(/^[\d.]+ ms$/);
    await expect.poll(() => paper.figure('Typed').textContent()).toBe(String(OPENING.length));
    await expect
      .poll(() => paper.figure('Accepted').textContent())
      .toMatch(new RegExp(`^${ghost.length} \\(\\d+%\\)$`));
    await expect
      .poll(async () => parseInt((await paper.figure('Tokens reused').textContent()) ?? ''))
      .toBeGreaterThan(0);
    // How many there are is a matter of how much the server had done in advance: often all of it.
    expect(await paper.figure('Tokens computed').textContent()).toMatch(/^\d/);
  });

  it('tells in plain words why the last silence was silent', async () => {
    const silence = (): Promise<string | null> => paper.figure('Last silence').textContent();
    await paper.type(OPENING);
    await paper.suggestion();
    await paper.press('Escape');
    await expect.poll(silence).toBe('You waved it away.');
    await paper.press('Backspace');
    await expect.poll(silence).toContain('You deleted something');
    await paper.press('Control+a');
    await expect.poll(silence).toBe('Text is selected.');
  });

  it('switches ghost text off, after which nothing is sent, for good', async () => {
    await paper.panel.getByRole('switch', { name: 'Show ghost text' }).click();
    await paper.page.reload();
    const frames: string[] = [];
    paper.page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => frames.push((JSON.parse(String(payload)) as { type: string }).type)),
    );
    await paper.page.reload();
    await paper.text.click();
    await paper.type(OPENING);
    await expect.poll(() => paper.figure('Last silence').textContent()).toBe('Ghost text is switched off.');
    expect(frames.filter((type) => !['hello', 'ping'].includes(type))).toEqual([]);
    await paper.panel.getByRole('switch', { name: 'Show ghost text' }).click();
    await paper.text.click();
    await paper.press('End');
    await paper.type(' girl who');
    await paper.suggestion();
  });
});

describe('the text', () => {
  it('is there again after a reload, to the last letter', async () => {
    await paper.type(`# A title\n${OPENING}`);
    await paper.page.reload();
    expect(await paper.written()).toBe(`A title\n${OPENING}`);
    expect(await paper.page.title()).toBe('A title');
    await paper.type(' bear');
    await paper.page.reload();
    expect(await paper.written()).toBe(`A title\n${OPENING} bear`);
  });

  it('goes nowhere but to this server', async () => {
    await paper.type(OPENING);
    await paper.suggestion();
    const { host } = new URL(paper.address);
    expect(paper.asked.length).toBeGreaterThan(3);
    expect(paper.asked.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(paper.asked.filter((url) => url.startsWith('ws'))).toEqual([socketOf(paper.address)]);
  });

  it('is the same in two windows', async () => {
    const other = await paper.another();
    await paper.page.bringToFront();
    await paper.text.click();
    await paper.type('Both windows show this.');
    await other.page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await paper.type(' Always.');
    await expect.poll(() => other.written()).toBe('Both windows show this. Always.');
  });

  it('that cannot be read is put aside, not written over', async () => {
    await paper.page.evaluate(() =>
      localStorage.setItem('afterword.text', '{"type":"doc","content":[{"type":"tape"}]}'),
    );
    await paper.page.reload();
    await paper.type('New');
    await expect.poll(() => paper.page.evaluate(() => localStorage.getItem('afterword.text'))).toContain('New');
    expect(await paper.page.evaluate(() => localStorage.getItem('afterword.text.unreadable'))).toContain('tape');
  });

  it('can be downloaded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afterword-download-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await paper.type('# A <title>\nand a line');
    await expect.poll(() => paper.page.title()).toBe('A <title>');
    const [download] = await Promise.all([
      paper.page.waitForEvent('download'),
      paper.panel.getByRole('button', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('A title.html');
    const file = join(folder, 'A title.html');
    await download.saveAs(file);
    const html = await readFile(file, 'utf8');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('A &lt;title&gt;</h1>');
    expect(html).not.toContain('afterword-ghost');
  });

  it('can be begun anew, and that undone', async () => {
    await paper.type(OPENING);
    await paper.panel.getByRole('button', { name: 'Start anew' }).click();
    await expect.poll(() => paper.written()).toBe('');
    await paper.press('Control+z');
    await expect.poll(() => paper.written()).toBe(OPENING);
  });
});

/** Where the page at an address is to look for its server. */
function socketOf(address: string): string {
  return `${address.replace(/^http/, 'ws')}v1`;
}
