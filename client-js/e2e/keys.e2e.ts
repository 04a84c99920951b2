/** The other keys, and keys that the editor needs itself. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExamplePage } from './support/example-page.js';

const OPENING = 'Once upon a time there was a little';
let example: ExamplePage;
afterEach(() => example.close());

describe('in TipTap', () => {
  const open = async (options: object): Promise<void> => {
    example = await ExamplePage.open('tiptap', { query: { options: JSON.stringify(options) } });
    await example.write(OPENING);
  };

  it.each([
    ['phrase', 'Alt+Comma', /[,.;:!?]$/],
    ['sentence', 'Alt+Period', /[.!?]["”]?$/],
  ])('take a %s', async (_, key, end) => {
    await open({ stop: 'none', maxTokens: 40 });
    const ghost = await example.whole();
    await example.press(key);
    const taken = (await example.text()).slice(OPENING.length);
    expect(ghost.startsWith(taken)).toBe(true);
    expect(taken).toMatch(end);
    expect(await example.ghost()).toBe(ghost.slice(taken.length) || null);
  });

  it('show other texts, and the first again', async () => {
    await open({});
    const first = await example.whole();
    await example.press('Alt+BracketRight');
    await example.until(
      () => (window.example.ghost.ghost?.choices ?? 0) > 1 && window.example.ghost.ghost?.complete === true,
    );
    const second = await example.ghost();
    expect(second).not.toBe(first);
    await example.press('Alt+BracketLeft');
    expect(await example.ghost()).not.toBe(second);
    await example.press('Alt+BracketRight');
    expect(await example.ghost()).toBe(second);
    await example.press('Tab');
    expect(await example.text()).toBe(OPENING + String(second));
  });

  it('ask for more at its end, and for ghost text where none would come', async () => {
    await open({ stop: 'word' });
    const word = await example.whole();
    await example.press('Alt+Equal');
    await example.until(() => window.example.ghost.ghost?.complete === true);
    expect((await example.ghost())?.startsWith(word)).toBe(true);
    expect((await example.ghost())?.length).toBeGreaterThan(word.length);
    await example.press('Escape');
    expect(await example.ghost()).toBeNull();
    await example.press('Alt+Backslash');
    expect(await example.whole()).not.toBe('');
  });
});

describe.each(['tiptap', 'quill'] as const)('in a list of %s', (binding) => {
  beforeEach(async () => {
    example = await ExamplePage.open(binding);
  });

  it('Tab moves an item inwards while no ghost text shows, and takes ghost text while it does', async () => {
    const inwards = (): Promise<number> =>
      example.page.evaluate(() => document.querySelectorAll('li li, .ql-indent-1').length);
    await example.write('- The first of many');
    await example.press('Enter');
    // Nothing is shown after deleting.
    await example.write('x');
    await example.press('Backspace', 'Tab');
    expect(await inwards()).toBe(1);
    await example.write(OPENING);
    const ghost = await example.whole();
    await example.press('Tab');
    expect(await inwards()).toBe(1);
    expect(await example.text()).toContain(OPENING + ghost);
  });
});

it.each(['tiptap', 'quill', 'lexical'])('accepted text in %s has the format of the text before it', async (binding) => {
  example = await ExamplePage.open(binding);
  await example.press('Control+b');
  await example.write(OPENING);
  const ghost = await example.whole();
  await example.press('Tab');
  const bold = await example.page.evaluate(() => window.example.editable.querySelector('strong')?.textContent);
  expect(bold).toBe(OPENING + ghost);
});

describe('in a snippet of CodeMirror', () => {
  it('Tab goes on to the next gap, whatever shows, and takes ghost text when the snippet is done', async () => {
    example = await ExamplePage.open('codemirror');
    await example.press('Alt+l');
    await example.write('grandmother and');
    await example.press('Tab');
    await example.write('the book');
    expect(await example.text()).toBe('Dear grandmother and,\n\nThank you for the book.\n\nYours,\nsender');
    await example.press('Tab');
    await example.write('your little');
    await example.press('Escape'); // no more gaps
    await example.write(' son who');
    const ghost = await example.whole();
    await example.press('Tab');
    expect(await example.text()).toBe(
      `Dear grandmother and,\n\nThank you for the book.\n\nYours,\nyour little son who${ghost}`,
    );
  });
});
