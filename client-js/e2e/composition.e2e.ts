/** Input methods, driven through the DevTools protocol as those of a system are. */

import type { CDPSession } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { ExamplePage } from './support/example-page.js';

const OPENING = 'Once upon a time there was a little';
/** Longer than any debounce and than an editor needs to read a composition. */
const A_WHILE_MS = 500;

/** Provisional text, as it grows. */
async function compose(devtools: CDPSession, ...texts: string[]): Promise<void> {
  for (const text of texts)
    await devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
}

describe.each(BINDINGS)('%s, with an input method', (binding) => {
  let example: ExamplePage;
  let devtools: CDPSession;
  let ghost: string;
  beforeEach(async () => {
    example = await ExamplePage.open(binding);
    devtools = await example.devtools();
    await example.write(OPENING);
    ghost = await example.whole();
  });
  afterEach(() => example.close());

  it('shows, requests and sends nothing while composing; text and ghost text are right afterwards', async () => {
    const sent = example.sent.length;
    await compose(devtools, 'に', 'にh', 'にほ', 'にほn', 'にほん');
    expect(await example.ghost()).toBeNull();
    await example.page.waitForTimeout(A_WHILE_MS);
    expect(await example.ghost()).toBeNull();
    expect(example.sent.slice(sent)).toEqual([]);
    await devtools.send('Input.insertText', { text: '日本' });
    expect(await example.text()).toBe(`${OPENING}日本`);
    await example.until(() => window.example.ghost.status().silence !== 'composing');
    await example.page.waitForTimeout(A_WHILE_MS);
    const told = example.sent.slice(sent).filter(({ type }) => type === 'edit' || type === 'open');
    expect(told.map(({ insert }) => insert)).toEqual(['日本']);
    expect(example.sent.slice(sent).some(({ type }) => type === 'suggest')).toBe(true);
  });

  it('keeps ghost text that was typed through by composing, and shows it again when a composition is cancelled', async () => {
    const word = ghost.slice(0, 3);
    await compose(devtools, ghost.slice(0, 1), ghost.slice(0, 2), word);
    expect(await example.ghost()).toBeNull();
    await devtools.send('Input.insertText', { text: word });
    await example.appears();
    expect(await example.text()).toBe(OPENING + word);
    expect(await example.ghost()).toBe(ghost.slice(word.length));
    await compose(devtools, 'x', '');
    await example.appears();
    expect(await example.text()).toBe(OPENING + word);
    expect(await example.ghost()).toBe(ghost.slice(word.length));
    await example.press('Tab');
    expect(await example.text()).toBe(OPENING + ghost);
  });
});
