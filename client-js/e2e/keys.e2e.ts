/** The other keys, and keys that belong to others. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Desk } from './support/desk.js';

const OPENING = 'Once upon a time there was a little';
let desk: Desk;
afterEach(() => desk.close());

describe('in TipTap', () => {
  const open = async (options: object): Promise<void> => {
    desk = await Desk.open('tiptap', { query: { options: JSON.stringify(options) } });
    await desk.write(OPENING);
  };

  it.each([
    ['phrase', 'Alt+Comma', /[,.;:!?]$/],
    ['sentence', 'Alt+Period', /[.!?]["”]?$/],
  ])('take a %s', async (_, key, end) => {
    await open({ stop: 'none', maxTokens: 40 });
    const ghost = await desk.whole();
    await desk.press(key);
    const taken = (await desk.text()).slice(OPENING.length);
    expect(ghost.startsWith(taken)).toBe(true);
    expect(taken).toMatch(end);
    expect(await desk.ghost()).toBe(ghost.slice(taken.length) || null);
  });

  it('show other texts, and the first again', async () => {
    await open({});
    const first = await desk.whole();
    await desk.press('Alt+BracketRight');
    await desk.until(
      () => (window.example.ghost.ghost?.choices ?? 0) > 1 && window.example.ghost.ghost?.complete === true,
    );
    const second = await desk.ghost();
    expect(second).not.toBe(first);
    await desk.press('Alt+BracketLeft');
    expect(await desk.ghost()).not.toBe(second);
    await desk.press('Alt+BracketRight');
    expect(await desk.ghost()).toBe(second);
    await desk.press('Tab');
    expect(await desk.text()).toBe(OPENING + String(second));
  });

  it('ask for more at its end, and for ghost text where none would come', async () => {
    await open({ stop: 'word' });
    const word = await desk.whole();
    await desk.press('Alt+Equal');
    await desk.until(() => window.example.ghost.ghost?.complete === true);
    expect((await desk.ghost())?.startsWith(word)).toBe(true);
    expect((await desk.ghost())?.length).toBeGreaterThan(word.length);
    await desk.press('Escape');
    expect(await desk.ghost()).toBeNull();
    await desk.press('Alt+Backslash');
    expect(await desk.whole()).not.toBe('');
  });
});

describe.each(['tiptap', 'quill'] as const)('in a list of %s', (binding) => {
  beforeEach(async () => {
    desk = await Desk.open(binding);
  });

  it('Tab moves an item inwards while no ghost text shows, and takes ghost text while it does', async () => {
    const inwards = (): Promise<number> =>
      desk.page.evaluate(() => document.querySelectorAll('li li, .ql-indent-1').length);
    await desk.write('- The first of many');
    await desk.press('Enter');
    // Nothing is shown after deleting.
    await desk.write('x');
    await desk.press('Backspace', 'Tab');
    expect(await inwards()).toBe(1);
    await desk.write(OPENING);
    const ghost = await desk.whole();
    await desk.press('Tab');
    expect(await inwards()).toBe(1);
    expect(await desk.text()).toContain(OPENING + ghost);
  });
});

it.each(['tiptap', 'quill', 'lexical'])('what is taken in %s looks like the text before it', async (binding) => {
  desk = await Desk.open(binding);
  await desk.press('Control+b');
  await desk.write(OPENING);
  const ghost = await desk.whole();
  await desk.press('Tab');
  const bold = await desk.page.evaluate(() => window.example.editable.querySelector('strong')?.textContent);
  expect(bold).toBe(OPENING + ghost);
});

describe('in a snippet of CodeMirror', () => {
  it('Tab goes on to the next gap, whatever shows, and takes ghost text when the snippet is done', async () => {
    desk = await Desk.open('codemirror');
    await desk.press('Alt+l');
    await desk.write('grandmother and');
    await desk.press('Tab');
    await desk.write('the book');
    expect(await desk.text()).toBe('Dear grandmother and,\n\nThank you for the book.\n\nYours,\nsender');
    await desk.press('Tab');
    await desk.write('your little');
    await desk.press('Escape'); // no more gaps
    await desk.write(' son who');
    const ghost = await desk.whole();
    await desk.press('Tab');
    expect(await desk.text()).toBe(
      `Dear grandmother and,\n\nThank you for the book.\n\nYours,\nyour little son who${ghost}`,
    );
  });
});
