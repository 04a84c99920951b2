/**
 * Whatever a writer, other people, the network and a server do, in whatever order: what is painted agrees with the
 * document, stands at the caret, and is never taken back by anybody but the writer.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, GhostOptions, ServerMessage } from '../src/index.js';
import { Harness } from './support/harness.js';
import type { FakeSuggestion, Model } from './support/fake-server.js';
import { FakeEditor } from './support/fake-editor.js';

/** A small alphabet, so that random typing often agrees with the model. */
const PIECES = ['a', 'b', ' a', ' b', 'ab', '. ', 'a, ', '👍', '👋', 'e\u0301', '\nb'];
const REACH = { reachBefore: 24, reachAfter: 12 };

/** `AFTERWORD_TEST_SEED` is a number, or `random`: a new one for each run, which is printed. */
const named = process.env.AFTERWORD_TEST_SEED ?? '20';
const SEED = named === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(named);
if (!Number.isInteger(SEED)) throw new Error(`AFTERWORD_TEST_SEED must be an integer or "random", not "${named}"`);
if (named === 'random') console.log(`AFTERWORD_TEST_SEED=${SEED}`);
/** How many sequences of events are tried. */
const RUNS = Number(process.env.AFTERWORD_TEST_RUNS ?? 400);

/** Units before a question that tell its place from others. */
const ANCHOR_UNITS = 8;

const model: Model = (before, after, alternative) => {
  let hash = alternative * 7 + after.length;
  for (const unit of before.slice(-4)) hash = (hash * 31 + unit.charCodeAt(0)) % 9973;
  return Array.from({ length: 1 + (hash % 5) }, (_, n) => PIECES[(hash + n * n * 3) % PIECES.length]!);
};

type Plain =
  | 'along'
  | 'answer'
  | 'rest'
  | 'undo'
  | 'redo'
  | 'forward'
  | 'compose'
  | 'settle'
  | 'blur'
  | 'focus'
  | 'lose'
  | 'drop'
  | 'connect'
  | 'replay';
type Counted = 'backspace' | 'write' | 'deliver' | 'pass' | 'select';
type Op =
  | { op: Plain }
  | { op: Counted; n: number }
  | { op: 'type'; text: string }
  | { op: 'press'; command: Command }
  | { op: 'caret'; at: number }
  | { op: 'remote'; at: number; count: number; text: string }
  | { op: 'block'; name: string };

const COMMANDS: Command[] = [
  'accept',
  'acceptWord',
  'acceptPhrase',
  'acceptSentence',
  'next',
  'previous',
  'extend',
  'ask',
];

const text = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));
const small = fc.integer({ min: 1, max: 3 });
const often = <T extends Op>(weight: number, arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<Op> => ({
  weight,
  arbitrary,
});
const plain = (name: Plain, weight: number): fc.WeightedArbitrary<Op> => often(weight, fc.constant<Op>({ op: name }));
const counted = (name: Counted, weight: number): fc.WeightedArbitrary<Op> =>
  often(
    weight,
    small.map((n): Op => ({ op: name, n })),
  );

/** What keeps ghost text away is rarer than what ends it, so that there is something to see most of the time. */
const op: fc.Arbitrary<Op> = fc.oneof(
  often(
    12,
    fc.constantFrom(...PIECES).map((piece): Op => ({ op: 'type', text: piece })),
  ),
  plain('along', 30),
  plain('answer', 40),
  plain('rest', 2),
  counted('write', 12),
  counted('deliver', 16),
  counted('pass', 4),
  counted('backspace', 3),
  often(
    10,
    fc.constantFrom(...COMMANDS).map((command): Op => ({ op: 'press', command })),
  ),
  often(1, fc.constant<Op>({ op: 'press', command: 'dismiss' })),
  plain('undo', 1),
  plain('redo', 2),
  plain('forward', 1),
  often(
    2,
    fc.nat(60).map((at): Op => ({ op: 'caret', at })),
  ),
  often(
    4,
    fc.record({
      op: fc.constant('remote' as const),
      at: fc.nat(60),
      count: fc.nat(3),
      text: fc.oneof(text, fc.constant('')),
    }),
  ),
  plain('compose', 1),
  plain('settle', 8),
  plain('blur', 1),
  plain('focus', 8),
  counted('select', 1),
  often(8, fc.constant<Op>({ op: 'select', n: 0 })),
  plain('drop', 2),
  plain('connect', 10),
  plain('lose', 2),
  plain('replay', 1),
  often(1, fc.constant<Op>({ op: 'block', name: 'code' })),
  often(8, fc.constant<Op>({ op: 'block', name: 'paragraph' })),
);

/** Steps that are not the writer's: they may only add to what is painted. */
const OTHERS = new Set(['answer', 'rest', 'write', 'deliver', 'pass', 'lose', 'drop', 'connect', 'replay']);

class PropertyRun {
  readonly harness: Harness;
  private readonly asked: FakeSuggestion[] = [];
  private past: ServerMessage[] = [];
  private wantsOthers = false;
  /** Steps after which something was painted. */
  shown = 0;

  constructor(start: string, options: Partial<GhostOptions>) {
    this.harness = new Harness(new FakeEditor(start, start.length, 40), model, {
      ...options,
      ...REACH,
      blocks: { code: false },
    });
  }

  run(step: Op): void {
    const { harness } = this;
    const { editor } = harness;
    const painted = harness.painted;
    const sent = harness.sent.length;
    const quiet = editor.composition !== null || editor.selection > 0 || !editor.focused;
    this.act(step);
    // Where nothing is to be painted, nothing is, and nothing is asked.
    if (editor.composition !== null || editor.selection > 0 || !editor.focused) {
      expect(harness.painted).toBeNull();
      if (quiet) expect(harness.sent.slice(sent).filter(({ type }) => type === 'suggest')).toEqual([]);
    }
    this.agrees();
    if (step.op === 'press' && (step.command === 'next' || step.command === 'previous')) this.wantsOthers = true;
    if (OTHERS.has(step.op) && painted !== null && harness.painted?.startsWith(painted) !== true) {
      // Another text in its place, once, is what the writer asked for.
      expect(this.wantsOthers && harness.painted !== null).toBe(true);
      this.wantsOthers = false;
    }
    if (harness.painted !== null) this.shown++;
    if (harness.painted === null) expect(harness.ghost.silence).not.toBeNull();
    else expect(harness.ghost.silence).toBeNull();
  }

  private act(step: Op): void {
    const { harness } = this;
    const { editor, server } = harness;
    const composing = editor.composition !== null;
    switch (step.op) {
      case 'type':
        if (editor.composition !== null) editor.composition += step.text;
        else {
          editor.selection = 0;
          editor.insert(step.text);
        }
        harness.tell('type');
        break;
      case 'along': {
        const next = /^./su.exec(harness.painted ?? '')?.[0];
        if (next === undefined) break;
        editor.insert(next);
        harness.tell('type');
        break;
      }
      case 'backspace':
        if (composing) break;
        editor.selection = 0;
        editor.backspace(step.n);
        harness.tell('delete');
        break;
      case 'forward':
        if (composing || editor.caret === editor.text.length) break;
        editor.selection = 0;
        editor.deleteForward();
        harness.tell('delete');
        expect(harness.painted).toBeNull();
        break;
      case 'undo':
      case 'redo':
        if (!composing && editor[step.op]()) harness.tell(step.op);
        break;
      case 'caret':
        if (composing) break;
        editor.selection = 0;
        editor.caret = editor.whole(step.at);
        harness.tell('caret');
        break;
      case 'select':
        if (!composing) editor.selection = step.n;
        harness.tell('caret');
        break;
      case 'compose':
        editor.composition ??= '';
        harness.tell('type');
        break;
      case 'settle':
        if (editor.composition) editor.insert(editor.composition);
        editor.composition = null;
        harness.tell('type');
        break;
      case 'blur':
      case 'focus':
        editor.focused = step.op === 'focus';
        harness.tell('caret');
        break;
      case 'block':
        editor.block = step.name;
        harness.tell('caret');
        break;
      case 'remote':
        editor.remote(step.at, step.count, step.text);
        harness.tell('remote');
        break;
      case 'press':
        if (harness.painted !== null || step.command === 'ask') harness.press(step.command);
        break;
      case 'write':
        server.write(step.n);
        break;
      case 'deliver':
        harness.deliver(step.n);
        break;
      case 'answer':
        harness.pass(200).answer();
        break;
      case 'rest':
        harness.pass(400_000);
        break;
      case 'lose':
        server.frames.shift();
        break;
      case 'pass':
        harness.pass(step.n * 60);
        break;
      case 'drop':
        if (!harness.online) break;
        this.past.push(...server.frames);
        this.asked.push(...server.all);
        harness.disconnect();
        break;
      case 'connect':
        if (!harness.online) harness.connect();
        break;
      case 'replay':
        for (const frame of this.past.splice(0)) harness.hear(frame);
    }
  }

  /** What was typed since a question, and what is painted, are together the beginning of an answer to it. */
  private agrees(): void {
    const { painted, editor, server } = this.harness;
    if (painted === null) return;
    const fits = [...this.asked, ...server.all].some((live) => {
      const mark = editor.marks.get(live.id) ?? -1;
      return live.pieces.some((pieces) => {
        const answer = pieces.join('');
        for (let from = editor.caret; from >= 0; from--) {
          if (!answer.startsWith(editor.text.slice(from, editor.caret) + painted)) continue;
          // Where the question was asked; or where the text reads as it did there, other people's edits or not.
          if (from === mark || editor.text.slice(0, from).endsWith(live.anchor.slice(-ANCHOR_UNITS))) return true;
        }
        return false;
      });
    });
    expect(fits, `${JSON.stringify(painted)} at the end of ${JSON.stringify(editor.before)}`).toBe(true);
  }
}

describe('in any order of events', () => {
  it.each([
    ['one text, asked for at once', { debounceMs: 0 }],
    ['one text, after a pause', { debounceMs: 100 }],
    ['several texts', { debounceMs: 0, alternatives: 3 }],
    ['a field of one line', { debounceMs: 0, singleLine: true }],
  ] as [string, Partial<GhostOptions>][])('painted text is right and stays: %s', (_, options) => {
    let steps = 0;
    let shown = 0;
    fc.assert(
      fc.property(
        fc.oneof(text, fc.constant('Words of no pattern, and more of them than the reach.')),
        fc.array(op, { maxLength: 120, size: 'max' }),
        (start, ops) => {
          const trial = new PropertyRun(start, options);
          for (const step of ops) trial.run(step);
          steps += ops.length;
          shown += trial.shown;
        },
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: false },
    );
    // A test of what is painted proves little where nothing is.
    expect(shown / steps).toBeGreaterThan(0.1);
  });
});
