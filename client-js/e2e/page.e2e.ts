/** The writing page with the real model: ghost text, the panel, and the stored text. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WritingPage } from './support/writing-page.js';

const OPENING = 'Once upon a time there was a little';

let writing: WritingPage;
beforeEach(async () => {
  writing = await WritingPage.open();
});
afterEach(() => writing.close());

describe('writing', () => {
  it('begins at once, and shows ghost text that Tab takes', async () => {
    await writing.type(OPENING);
    const ghost = await writing.suggestion();
    expect(await writing.written()).toBe(OPENING);
    await writing.press('Tab');
    expect(await writing.written()).toBe(OPENING + ghost);
    await expect.poll(() => writing.page.locator('#count').textContent()).toMatch(/^\d+ words$/);
  });

  it('offers openings that have ghost text at once, while nothing is written', async () => {
    const openings = writing.page.getByRole('group', { name: 'Example openings' });
    await openings.getByRole('button', { name: 'A story' }).click();
    const opening = await writing.written();
    expect(await openings.isVisible()).toBe(false);
    const ghost = await writing.suggestion();
    await writing.press('Tab');
    expect(await writing.written()).toBe(opening + ghost);
  });

  it('keeps the focus in the text when Tab comes too late, and asks', async () => {
    await writing.type(OPENING);
    await writing.suggestion();
    await writing.press('Escape');
    await writing.type('x');
    await writing.press('Backspace');
    expect(await writing.ghost.isVisible()).toBe(false);
    await writing.press('Tab');
    await writing.suggestion();
    expect(await writing.written()).toBe(OPENING);
  });

  it('sets headings, lists and marks by what is typed', async () => {
    await writing.type('# The lighthouse\n- one\ntwo\n\n**bold** words\n> said');
    for (const [selector, text] of [
      ['h1', 'The lighthouse'],
      ['ul li >> nth=1', 'two'],
      ['strong', 'bold'],
    ] as const)
      expect(await writing.text.locator(selector).textContent()).toContain(text);
  });
});

describe('the panel', () => {
  it('tells connection, model, speed, reuse, and what was typed and accepted', async () => {
    await writing.type(OPENING);
    const ghost = await writing.suggestion();
    await writing.press('Tab');
    await expect.poll(() => writing.panel.locator('#connection').textContent()).toBe('Connected.');
    expect(await writing.figure('Model').textContent()).toMatch(/smollm2/i);
    for (const name of ['Median', '95th percentile', 'Round trip'])
      await expect.poll(() => writing.figure(name).textContent()).toMatch(/^[\d.]+ ms$/);
    await expect.poll(() => writing.figure('Typed').textContent()).toBe(String(OPENING.length));
    await expect
      .poll(() => writing.figure('Accepted').textContent())
      .toMatch(new RegExp(`^${ghost.length} \\(\\d+%\\)$`));
    await expect
      .poll(async () => parseInt((await writing.figure('Tokens from the cache').textContent()) ?? ''))
      .toBeGreaterThan(0);
    // How many there are is a matter of how much the server had done in advance: often all of it.
    expect(await writing.figure('Tokens computed').textContent()).toMatch(/^\d/);
  });

  it('says why there is no suggestion', async () => {
    const reason = (): Promise<string | null> => writing.figure('Status').textContent();
    await writing.type(OPENING);
    await writing.suggestion();
    await writing.press('Escape');
    await expect.poll(reason).toBe('You dismissed the suggestion.');
    await writing.press('Backspace');
    await expect.poll(reason).toContain('You deleted text');
    await writing.press('Control+a');
    await expect.poll(reason).toBe('Text is selected.');
  });

  it('switches ghost text off, after which nothing is sent, for good', async () => {
    await writing.panel.getByRole('switch', { name: 'Show suggestions' }).click();
    await writing.page.reload();
    const frames: string[] = [];
    writing.page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => frames.push((JSON.parse(String(payload)) as { type: string }).type)),
    );
    await writing.page.reload();
    await writing.text.click();
    await writing.type(OPENING);
    await expect.poll(() => writing.figure('Status').textContent()).toBe('Suggestions are switched off.');
    expect(frames.filter((type) => !['hello', 'ping'].includes(type))).toEqual([]);
    await writing.panel.getByRole('switch', { name: 'Show suggestions' }).click();
    await writing.text.click();
    await writing.press('End');
    await writing.type(' girl who');
    await writing.suggestion();
  });
});

describe('the text', () => {
  it('is there again after a reload, to the last letter', async () => {
    await writing.type(`# A title\n${OPENING}`);
    await writing.page.reload();
    expect(await writing.written()).toBe(`A title\n${OPENING}`);
    expect(await writing.page.title()).toBe('A title');
    await writing.type(' bear');
    await writing.page.reload();
    expect(await writing.written()).toBe(`A title\n${OPENING} bear`);
  });

  it('goes nowhere but to this server', async () => {
    await writing.type(OPENING);
    await writing.suggestion();
    const { host } = new URL(writing.address);
    expect(writing.requested.length).toBeGreaterThan(3);
    expect(writing.requested.filter((url) => new URL(url).host !== host)).toEqual([]);
    expect(writing.requested.filter((url) => url.startsWith('ws'))).toEqual([socketOf(writing.address)]);
  });

  it('is the same in two windows', async () => {
    const other = await writing.another();
    await writing.page.bringToFront();
    await writing.text.click();
    await writing.type('Both windows show this.');
    await other.page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await writing.type(' Always.');
    await expect.poll(() => other.written()).toBe('Both windows show this. Always.');
  });

  it('that cannot be read is put aside, not written over', async () => {
    await writing.page.evaluate(() =>
      localStorage.setItem('afterword.text', '{"type":"doc","content":[{"type":"tape"}]}'),
    );
    await writing.page.reload();
    await writing.type('New');
    await expect.poll(() => writing.page.evaluate(() => localStorage.getItem('afterword.text'))).toContain('New');
    expect(await writing.page.evaluate(() => localStorage.getItem('afterword.text.unreadable'))).toContain('tape');
  });

  it('can be downloaded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afterword-download-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writing.type('# A <title>\nand a line');
    await expect.poll(() => writing.page.title()).toBe('A <title>');
    const [download] = await Promise.all([
      writing.page.waitForEvent('download'),
      writing.panel.getByRole('button', { name: 'Download' }).click(),
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
    await writing.type(OPENING);
    await writing.panel.getByRole('button', { name: 'New document' }).click();
    await expect.poll(() => writing.written()).toBe('');
    await writing.press('Control+z');
    await expect.poll(() => writing.written()).toBe(OPENING);
  });
});

/** Where the page at an address is to look for its server. */
function socketOf(address: string): string {
  return `${address.replace(/^http/, 'ws')}v1`;
}
