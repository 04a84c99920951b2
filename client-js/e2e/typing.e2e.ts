/** What a writer sees in each editor, with the real model behind it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { ExamplePage } from './support/example-page.js';
import { misplaced, retracted } from './support/recordings.js';

const OPENING = 'Once upon a time there was a little';
const WRITER_WPM = 60;

describe.each(BINDINGS)('%s', (binding) => {
  let example: ExamplePage;
  beforeEach(async () => {
    example = await ExamplePage.open(binding);
  });
  afterEach(() => example.close());

  it('shows ghost text to a writer of 60 words a minute, beside the caret, and never takes it back', async () => {
    await example.write(OPENING, WRITER_WPM);
    const ghost = await example.whole();
    expect(await example.text()).toBe(OPENING);
    // Typed through: it only gets shorter.
    const along = ghost.slice(0, 6);
    await example.write(along, WRITER_WPM);
    expect(await example.ghost()).toBe(ghost.slice(along.length));
    // The writer types something else: it is gone at once.
    const away = `${ghost[along.length] === 'q' ? 'x' : 'q'}ueen and`;
    await example.write(away.slice(0, 1), WRITER_WPM);
    const gone = (await example.recordings()).find(({ text }) => text === OPENING + along + away.slice(0, 1));
    expect(gone?.ghost ?? '').not.toBe(ghost.slice(along.length + 1));
    await example.write(away.slice(1), WRITER_WPM);
    const script = OPENING + along + away;
    expect(await example.text()).toBe(script);
    const recordings = await example.recordings();
    expect(recordings.some(({ ghost: painted }) => painted !== null)).toBe(true);
    expect(retracted(recordings)).toEqual([]);
    expect(misplaced(recordings)).toEqual([]);
    expect(recordings.filter(({ text }) => !script.startsWith(text))).toEqual([]);
  });

  it('accepts all of it with Tab, as one undo step', async () => {
    await example.write(OPENING);
    const ghost = await example.whole();
    await example.press('Tab');
    expect(await example.text()).toBe(OPENING + ghost);
    await example.press('Control+z');
    expect(await example.text()).toBe(OPENING);
    // Nothing is offered after an undo.
    expect(await example.ghost()).toBeNull();
    await example.press('Control+Shift+Z');
    expect(await example.text()).toBe(OPENING + ghost);
  });

  it('accepts it word by word, and undoes the last word alone', async () => {
    await example.write(OPENING);
    const ghost = await example.whole();
    await example.press('Control+ArrowRight');
    const one = await example.text();
    await example.press('Control+ArrowRight');
    const two = await example.text();
    expect(OPENING + ghost).toContain(two);
    expect(two.length).toBeGreaterThan(one.length);
    expect(one.length).toBeGreaterThan(OPENING.length);
    expect(await example.ghost()).toBe((OPENING + ghost).slice(two.length) || null);
    await example.press('Control+z');
    expect(await example.text()).toBe(one);
  });

  it('is dismissed by Escape, and comes back with the next word', async () => {
    await example.write(OPENING);
    await example.whole();
    await example.press('Escape');
    expect(await example.ghost()).toBeNull();
    await example.write(' dog and a');
    await example.appears();
  });

  it('is nowhere in the document, its history or the clipboard', async () => {
    await example.write(OPENING);
    const ghost = await example.whole();
    expect(await example.text()).toBe(OPENING);
    await example.press('Control+a', 'Control+c');
    const copied = await example.page.evaluate(() => navigator.clipboard.readText());
    expect(copied.trim()).toBe(OPENING);
    expect(await example.ghost()).toBeNull();
    // Undo and redo everything: the history holds what was typed and nothing else.
    for (let steps = 0; (await example.text()).trim() !== '' && steps < OPENING.length; steps++)
      await example.press('Control+z');
    expect((await example.text()).trim()).toBe('');
    for (let steps = 0; (await example.text()) !== OPENING && steps < OPENING.length; steps++)
      await example.press('Control+Shift+Z');
    const texts = (await example.recordings()).map(({ text }) => text);
    expect(texts.at(-1)).toBe(OPENING);
    expect(texts.filter((text) => !OPENING.startsWith(text.trimEnd()))).toEqual([]);
    expect(ghost).not.toBe('');
  });

  it('leaves keys alone while it shows nothing', async () => {
    await example.press('Tab');
    expect(await example.ghost()).toBeNull();
    await example.page.keyboard.type('x');
    expect((await example.text()).replace(/[\sx]/g, '')).toBe('');
  });

  it('shows nothing while there is a selection or no focus', async () => {
    await example.write(OPENING);
    await example.whole();
    await example.press('Shift+ArrowLeft');
    await example.vanishes();
    await example.press('ArrowRight');
    await example.appears();
    await example.page.evaluate(() => window.example.editable.blur());
    await example.vanishes();
  });
});
