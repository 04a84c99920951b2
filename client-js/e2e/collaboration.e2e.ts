/** Two people edit one document: TipTap with Yjs. Ada writes and sees ghost text; Ben edits in other places. */

import type { Editor } from '@tiptap/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ExamplePage } from './support/example-page.js';
import { misplaced, retracted } from './support/recordings.js';

const OPENING = 'Once upon a time there was a little';
const ENDING = 'They lived happily ever after.';

/** What the example page puts into `window`. */
interface Editors {
  ada: { editor: Editor };
  ben: { editor: Editor };
}

let example: ExamplePage;
let ghost: string;

beforeEach(async () => {
  example = await ExamplePage.open('collaboration');
  // A paragraph below the one that Ada writes in.
  await example.page.evaluate((ending) => {
    const { ben } = window as unknown as Editors;
    ben.editor.commands.setContent(`<p></p><p>${ending}</p>`);
  }, ENDING);
  await example.page.evaluate(() => (window as unknown as Editors).ada.editor.commands.focus(1));
  await example.write(OPENING);
  ghost = await example.whole();
});
afterEach(() => example.close());

/** Ben inserts text; his own caret does not matter. */
const benWrites = (text: string, at: 'start' | 'end'): Promise<void> =>
  example.page.evaluate(
    ([more, where]) => {
      const { editor } = (window as unknown as Editors).ben;
      editor.commands.insertContentAt(where === 'start' ? 1 : editor.state.doc.content.size - 1, more);
    },
    [text, at] as const,
  );
const texts = (): Promise<string[]> =>
  example.page.evaluate(() => {
    const { ada, ben } = window as unknown as Editors;
    return [ada, ben].map(({ editor }) => editor.getText({ blockSeparator: '\n' }));
  });
/** Everything that Ben's editor shows. */
const benSees = (): Promise<string> =>
  example.page.evaluate(() => (window as unknown as Editors).ben.editor.view.dom.innerText);

it('keeps ghost text at the caret through edits before and after it, and shows it to nobody else', async () => {
  await benWrites('Chapter one. ', 'start');
  expect(await example.ghost()).toBe(ghost);
  await benWrites(' The end.', 'end');
  expect(await example.ghost()).toBe(ghost);
  const both = `Chapter one. ${OPENING}\n${ENDING} The end.`;
  expect(await texts()).toEqual([both, both]);
  expect(await benSees()).not.toContain(ghost.trim());
  expect(misplaced(await example.recordings())).toEqual([]);
  // It can be typed along, and taken, where it stands now.
  await example.write(ghost.slice(0, 4));
  expect(await example.ghost()).toBe(ghost.slice(4));
  await benWrites('A tale. ', 'start');
  await example.press('Tab');
  const taken = `A tale. Chapter one. ${OPENING}${ghost}\n${ENDING} The end.`;
  expect(await texts()).toEqual([taken, taken]);
  // What Ada undoes is what she took, and nothing of Ben's.
  await example.press('Control+z');
  const undone = taken.replace(ghost, ghost.slice(0, 4));
  expect(await texts()).toEqual([undone, undone]);
});

it('ends ghost text when somebody writes where it stands', async () => {
  await example.page.evaluate((at) => {
    const { ben } = window as unknown as Editors;
    ben.editor.commands.insertContentAt(at, ' and nobody there');
  }, OPENING.length + 1);
  await example.vanishes();
  expect((await texts())[0]).toBe(`${OPENING} and nobody there\n${ENDING}`);
});

it('goes on while both type at once', async () => {
  for (let n = 0; n < 8; n++) {
    await benWrites(n % 2 ? 'x' : ' more', n % 3 ? 'end' : 'start');
    await example.write(ghost.charAt(n));
  }
  expect(await example.ghost()).toBe(ghost.slice(8));
  const [ada, ben] = await texts();
  expect(ada).toBe(ben);
  expect(ada).toContain(OPENING + ghost.slice(0, 8));
  expect(misplaced(await example.recordings())).toEqual([]);
  const own = (await example.recordings()).map((sight) => ({
    ...sight,
    text: sight.text.replace(/^[^]*(?=Once)|\n[^]*$/g, ''),
  }));
  expect(retracted(own)).toEqual([]);
});
