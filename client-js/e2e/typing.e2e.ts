/** What a writer sees in each editor: typed at 60 words a minute, with the real model behind it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { Desk } from './support/desk.js';
import type { Sight } from './support/witness.js';

const OPENING = 'Once upon a time there was a little';
/** The ghost text may begin a hair beside the caret, which has a width. */
const BESIDE_PX = 4;
/** Keys after which ghost text may go. */
const ENDS = new Set(['Escape', 'Tab', 'ArrowLeft', 'ArrowRight', 'z', 'a', 'Enter']);

/** What is left of ghost text when it was typed along with, in one piece: what changed between two sights. */
function retracted(sights: Sight[]): string[] {
  const complaints: string[] = [];
  for (const [at, now] of sights.entries()) {
    const was = sights[at - 1];
    if (!was?.ghost) continue;
    const promised = was.text + was.ghost;
    // The text went on, and what is painted goes on from it as promised, or the writer went another way.
    const kept = now.ghost !== null && (now.text + now.ghost).startsWith(promised);
    const typedAway = !promised.startsWith(now.text) && now.text !== was.text;
    const allTyped = now.text.startsWith(promised);
    const deleted = now.text.length < was.text.length;
    if (!kept && !typedAway && !allTyped && !deleted && !ENDS.has(now.after))
      complaints.push(`after ${now.after}: "${was.text}|${was.ghost}" became "${now.text}|${String(now.ghost)}"`);
  }
  return complaints;
}

/** Ghost text that does not begin at the caret. At a wrap it begins on the next line, which is right. */
const misplaced = (sights: Sight[]): Sight[] =>
  sights.filter(({ away }) => away && away.y <= BESIDE_PX && Math.max(Math.abs(away.x), -away.y) > BESIDE_PX);

describe.each(BINDINGS)('%s', (binding) => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await Desk.open(binding);
  });
  afterEach(() => desk.close());

  it('shows ghost text while one types, beside the caret, and never takes it back', async () => {
    await desk.write(OPENING);
    const ghost = await desk.whole();
    expect(await desk.text()).toBe(OPENING);
    // Typed along: it only gets shorter.
    const along = ghost.slice(0, 6);
    await desk.write(along);
    expect(await desk.ghost()).toBe(ghost.slice(along.length));
    expect(await desk.text()).toBe(OPENING + along);
    // The writer goes another way: it is gone at once.
    await desk.press(ghost[along.length] === 'q' ? 'x' : 'q');
    const [last] = (await desk.sights()).slice(-1);
    expect(last?.ghost ?? '').not.toBe(ghost.slice(along.length));
    const sights = await desk.sights();
    expect(retracted(sights)).toEqual([]);
    expect(sights.some(({ ghost: painted }) => painted !== null)).toBe(true);
    expect(misplaced(sights)).toEqual([]);
  });

  it('lets Tab take it all, as one step of the history', async () => {
    await desk.write(OPENING, 300);
    const ghost = await desk.whole();
    await desk.press('Tab');
    expect(await desk.text()).toBe(OPENING + ghost);
    await desk.press('Control+z');
    expect(await desk.text()).toBe(OPENING);
    // Nothing is offered after an undo.
    expect(await desk.ghost()).toBeNull();
  });

  it('takes it word by word, and takes back the last word alone', async () => {
    await desk.write(OPENING, 300);
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
    await desk.write(OPENING, 300);
    await desk.whole();
    await desk.press('Escape');
    expect(await desk.ghost()).toBeNull();
    await desk.write(' dog and a', 300);
    await desk.appears();
  });

  it('is nowhere in the document, the selection or the clipboard', async () => {
    await desk.write(OPENING, 300);
    await desk.whole();
    await desk.press('Control+a', 'Control+c');
    const copied = await desk.page.evaluate(() => navigator.clipboard.readText());
    expect(copied.trim()).toBe(OPENING);
    expect(await desk.text()).toBe(OPENING);
    expect(await desk.ghost()).toBeNull();
  });

  it('leaves keys alone while it shows nothing', async () => {
    await desk.press('Tab');
    expect(await desk.ghost()).toBeNull();
    await desk.page.keyboard.type('x');
    expect((await desk.text()).replace(/[\sx]/g, '')).toBe('');
  });

  it('stays out of it while there is a selection or no focus', async () => {
    await desk.write(OPENING, 300);
    await desk.whole();
    await desk.press('Shift+ArrowLeft');
    await desk.vanishes();
    await desk.press('ArrowRight');
    await desk.page.evaluate(() => window.example.editable.blur());
    await desk.vanishes();
  });
});
