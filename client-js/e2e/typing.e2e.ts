/** What a writer sees in each editor, with the real model behind it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { Desk } from './support/desk.js';
import { misplaced, retracted } from './support/sights.js';

const OPENING = 'Once upon a time there was a little';
const WRITER_WPM = 60;

describe.each(BINDINGS)('%s', (binding) => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await Desk.open(binding);
  });
  afterEach(() => desk.close());

  it('shows ghost text to a writer of 60 words a minute, beside the caret, and never takes it back', async () => {
    await desk.write(OPENING, WRITER_WPM);
    const ghost = await desk.whole();
    expect(await desk.text()).toBe(OPENING);
    // Typed along: it only gets shorter.
    const along = ghost.slice(0, 6);
    await desk.write(along, WRITER_WPM);
    expect(await desk.ghost()).toBe(ghost.slice(along.length));
    // The writer goes another way: it is gone at once.
    const away = `${ghost[along.length] === 'q' ? 'x' : 'q'}ueen and`;
    await desk.write(away.slice(0, 1), WRITER_WPM);
    const gone = (await desk.sights()).find(({ text }) => text === OPENING + along + away.slice(0, 1));
    expect(gone?.ghost ?? '').not.toBe(ghost.slice(along.length + 1));
    await desk.write(away.slice(1), WRITER_WPM);
    const script = OPENING + along + away;
    expect(await desk.text()).toBe(script);
    const sights = await desk.sights();
    expect(sights.some(({ ghost: painted }) => painted !== null)).toBe(true);
    expect(retracted(sights)).toEqual([]);
    expect(misplaced(sights)).toEqual([]);
    expect(sights.filter(({ text }) => !script.startsWith(text))).toEqual([]);
  });

  it('lets Tab take it all, as one step of the history', async () => {
    await desk.write(OPENING);
    const ghost = await desk.whole();
    await desk.press('Tab');
    expect(await desk.text()).toBe(OPENING + ghost);
    await desk.press('Control+z');
    expect(await desk.text()).toBe(OPENING);
    // Nothing is offered after an undo.
    expect(await desk.ghost()).toBeNull();
    await desk.press('Control+Shift+Z');
    expect(await desk.text()).toBe(OPENING + ghost);
  });

  it('takes it word by word, and takes back the last word alone', async () => {
    await desk.write(OPENING);
    const ghost = await desk.whole();
    await desk.press('Control+ArrowRight');
    const one = await desk.text();
    await desk.press('Control+ArrowRight');
    const two = await desk.text();
    expect(OPENING + ghost).toContain(two);
    expect(two.length).toBeGreaterThan(one.length);
    expect(one.length).toBeGreaterThan(OPENING.length);
    expect(await desk.ghost()).toBe((OPENING + ghost).slice(two.length) || null);
    await desk.press('Control+z');
    expect(await desk.text()).toBe(one);
  });

  it('is waved away by Escape, and comes back with the next word', async () => {
    await desk.write(OPENING);
    await desk.whole();
    await desk.press('Escape');
    expect(await desk.ghost()).toBeNull();
    await desk.write(' dog and a');
    await desk.appears();
  });

  it('is nowhere in the document, its history or the clipboard', async () => {
    await desk.write(OPENING);
    const ghost = await desk.whole();
    expect(await desk.text()).toBe(OPENING);
    await desk.press('Control+a', 'Control+c');
    const copied = await desk.page.evaluate(() => navigator.clipboard.readText());
    expect(copied.trim()).toBe(OPENING);
    expect(await desk.ghost()).toBeNull();
    // Back to the empty page and forth again: the history knows what was typed and nothing else.
    for (let steps = 0; (await desk.text()).trim() !== '' && steps < OPENING.length; steps++)
      await desk.press('Control+z');
    expect((await desk.text()).trim()).toBe('');
    for (let steps = 0; (await desk.text()) !== OPENING && steps < OPENING.length; steps++)
      await desk.press('Control+Shift+Z');
    const texts = (await desk.sights()).map(({ text }) => text);
    expect(texts.at(-1)).toBe(OPENING);
    expect(texts.filter((text) => !OPENING.startsWith(text.trimEnd()))).toEqual([]);
    expect(ghost).not.toBe('');
  });

  it('leaves keys alone while it shows nothing', async () => {
    await desk.press('Tab');
    expect(await desk.ghost()).toBeNull();
    await desk.page.keyboard.type('x');
    expect((await desk.text()).replace(/[\sx]/g, '')).toBe('');
  });

  it('stays out of it while there is a selection or no focus', async () => {
    await desk.write(OPENING);
    await desk.whole();
    await desk.press('Shift+ArrowLeft');
    await desk.vanishes();
    await desk.press('ArrowRight');
    await desk.appears();
    await desk.page.evaluate(() => window.example.editable.blur());
    await desk.vanishes();
  });
});
