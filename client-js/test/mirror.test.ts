import { describe, expect, it } from 'vitest';
import { GhostController, type DocumentMessage, type Update } from '../src/index.js';
import { afterChange } from '../src/core/mirror.js';
import { align, clipAfter, clipBefore, isElsewhere, tailChange } from '../src/core/text.js';
import { byHeart, Harness } from './support/harness.js';
import { WELCOME } from './support/fake-server.js';
import { FakeEditor } from './support/fake-editor.js';

const whole = (before: string) => ({ before, cut: false });
const cut = (before: string) => ({ before, cut: true });

describe('two texts at a caret', () => {
  it.each([
    ['abc', 'abcd', 0, 'd'],
    ['abc', 'ab', 1, ''],
    ['abc', 'abX', 1, 'X'],
    ['', 'x', 0, 'x'],
    ['x', '', 1, ''],
    ['He said The', 'T', 11, 'T'],
    ['👍', '👋', 2, '👋'],
  ])('%s to %s', (from, to, removed, insert) => {
    expect(tailChange(whole(from), whole(to))).toEqual({ delete: removed, insert });
  });

  const text = 'All happy families are alike; each unhappy family is unhappy in its own way. ';

  it('slides a window along when text is typed at its end, and back when it is deleted', () => {
    expect(tailChange(cut(text), cut(`${text}ab`.slice(2)))).toEqual({ delete: 0, insert: 'ab' });
    expect(tailChange(cut(text), cut(`xy${text}`.slice(0, -2)))).toEqual({ delete: 2, insert: '' });
    expect(align(cut(text), cut(text.slice(5)))).toEqual({ at: 5, same: text.length - 5 });
  });

  it('tells an edit elsewhere from one at the caret', () => {
    const at = (before: string, after: string) => ({ before, after });
    expect(isElsewhere(at(text, ''), at(`My ${text}`, ''), 0)).toBe(true);
    expect(isElsewhere(at(text, ''), at(text, 'more'), 0)).toBe(true);
    expect(isElsewhere(at(text, ''), at(`${text}x`, ''), 0)).toBe(false);
    expect(isElsewhere(at(text, ''), at(`${text.slice(0, 60)}x${text.slice(60)}`, ''), 5)).toBe(false);
    expect(isElsewhere(at('', ''), at('x', ''), 0)).toBe(false);
  });

  it('cuts windows between characters, and sends no half of one', () => {
    expect(clipBefore('a👍b', 2)).toBe('b');
    expect(clipAfter('a👍b', 2)).toBe('a');
    expect(clipBefore('a\ud83d', 9)).toBe('a\ufffd');
  });
});

describe('the text after the caret', () => {
  const text = 'it was the best of times, it was the worst of times';
  it.each([
    ['is the same, cut elsewhere', text.slice(0, 40), text, 50, 0, ''],
    ['was passed by the caret', text, text.slice(7), 50, 7, ''],
    ['was come back over', text.slice(7), text, 60, 0, text.slice(0, 7)],
    ['is another', 'old', 'new', 50, 3, 'new'],
    ['is gone', 'old', '', 50, 3, ''],
    ['is known too little of', text.slice(0, 10), text, 50, 10, text],
  ])('%s', (_, from, to, reach, removed, insert) => {
    expect(afterChange(from, to, reach)).toEqual({ delete: removed, insert });
  });
});

describe('a long document', () => {
  const paragraphs = Array.from({ length: 400 }, (_, n) => `Paragraph ${n} says something or other of its own. `);
  const open = (caret: number): Harness =>
    new Harness(new FakeEditor(paragraphs.join(''), caret, 4096), byHeart('no story'), {
      reachBefore: 1000,
      reachAfter: 300,
    });
  const size = (messages: DocumentMessage[]): number => JSON.stringify(messages).length;

  it('is sent in part, and a keystroke in it costs as little as in a short one', () => {
    const harness = open(12_000);
    expect(harness.sentOf('open')[0]!.before).toHaveLength(1000);
    expect(harness.sentOf('open')[0]!.after).toHaveLength(300);
    const from = harness.sent.length;
    harness.type('And so it went on for a while, word after word. ');
    expect(size(harness.sent.slice(from)) / 48).toBeLessThan(160);
    expect(harness.sentOf('open')).toHaveLength(1);
  });

  it('keeps its beginning while it is written on, however long', () => {
    const harness = open(12_000);
    for (let n = 0; n < 300; n++) harness.type(`w${n} `.padEnd(20, 'x'));
    expect(harness.sentOf('open')).toHaveLength(1);
    expect(harness.server.before.length).toBe(1000 + 300 * 20);
    expect(harness.server.before).toBe(harness.editor.before.slice(-7000));
  });

  it('is not sent anew when the caret moves a little, and is when it moves far', () => {
    const harness = open(12_000);
    for (const caret of [11_990, 11_800, 12_050]) {
      harness.editor.caret = caret;
      harness.tell('caret').pass(1000);
    }
    expect(harness.sentOf('open')).toHaveLength(1);
    expect(harness.editor.before.endsWith(harness.server.before)).toBe(true);
    expect(harness.editor.after.startsWith(harness.server.after)).toBe(true);
    harness.editor.caret = 3000;
    harness.tell('caret').pass(1000);
    expect(harness.sentOf('open')).toHaveLength(2);
    expect(harness.editor.before.endsWith(harness.server.before)).toBe(true);
  });

  it('gets a new beginning when so much was deleted that little is left of the old', () => {
    const harness = open(12_000);
    harness.editor.backspace(700);
    harness.tell('delete').pass(1000);
    expect(harness.sentOf('open')).toHaveLength(2);
    expect(harness.server.before).toHaveLength(1000);
  });

  it('is compared in no time that a writer would notice', () => {
    const ghost = new GhostController('d', { debounceMs: 0 });
    ghost.connected(WELCOME, 0);
    let before = paragraphs.join('');
    const update = (): Update => ({ change: 'type', before, after: before, selectionEmpty: true, focused: true });
    ghost.update(update(), 0);
    const start = performance.now();
    for (let n = 0; n < 500; n++) {
      before += 'x';
      ghost.update(update(), n);
    }
    expect((performance.now() - start) / 500).toBeLessThan(50); // takes a tenth of a millisecond
  });
});
