/**
 * A server without sockets or a model. A test delivers its frames: at once, late, or never.
 *
 * It tracks the text as strictly as a real server and throws when a client breaks the protocol.
 */

import type { Accept, DocumentMessage, Edit, Open, Reason, ServerMessage, Suggest, Welcome } from '../../src/index.js';

export const WELCOME: Welcome = {
  type: 'welcome',
  protocol: 1,
  session: 's1',
  server: { name: 'dummy', version: '0' },
  model: 'dummy',
  offsets: 'utf-16',
  limits: { docs: 4, message_bytes: 1_048_576, context: 65_536, max_tokens: 256, alternatives: 4 },
  heartbeat_ms: 0,
  features: [],
  advice: { debounce_ms: 0 },
};

/** What would be written after `before`, in pieces. */
export type Model = (before: string, after: string, alternative: number) => string[];

export interface FakeSuggestion {
  id: number;
  anchor: string;
  after: string;
  /** Pieces of each alternative, and how many of them are written. */
  pieces: string[][];
  written: number[];
  sent: number[];
  done: boolean;
}

export class FakeServer {
  readonly frames: ServerMessage[] = [];
  readonly received: DocumentMessage[] = [];
  before = '';
  after = '';
  open = false;
  live: FakeSuggestion | null = null;
  /** All suggestions that were requested. */
  readonly all: FakeSuggestion[] = [];
  private rev = 0;
  private id = 0;

  constructor(
    private readonly model: Model,
    private readonly doc = 'd',
  ) {}

  receive(message: DocumentMessage): void {
    for (const field of Object.values(message)) {
      if (typeof field === 'string' && /\p{Surrogate}/u.test(field)) throw new Error('half of a character');
    }
    this.received.push(message);
    if (message.type === 'open') this.opened(message);
    else if (!this.open) throw new Error(`${message.type} of a document that is not open`);
    else if (message.type === 'edit') this.edited(message);
    else if (message.type === 'suggest') this.asked(message);
    else if (message.type === 'accept') this.accepted(message);
    else if (message.type === 'extend') this.extended(message.id);
    else if (message.type === 'close') this.closed();
    else if (message.id > this.id) throw new Error(`${message.type} of an id never used`);
    else if (message.id === this.live?.id) this.finish('cancelled');
  }

  /** Lets the model write up to `count` pieces of each alternative. */
  write(count = 1): void {
    const { live } = this;
    if (!live || live.done) return;
    live.pieces.forEach((pieces, alternative) => {
      for (let n = 0; n < count; n++) {
        const written = live.written[alternative]!;
        const piece = pieces[written];
        if (piece === undefined) break;
        live.written[alternative] = written + 1;
        const pos = live.sent[alternative]!;
        const text = this.textOf(live, alternative).slice(pos);
        live.sent[alternative] = pos + text.length;
        const frame: ServerMessage = { type: 'token', doc: this.doc, id: live.id, pos, text };
        if (alternative > 0) frame.alternative = alternative;
        if (text !== '') this.frames.push(frame);
      }
    });
    if (live.pieces.every((pieces, k) => live.written[k] === pieces.length)) this.finish('stop');
  }

  /** Ends the live suggestion. */
  finish(reason: Reason): void {
    const { live } = this;
    if (!live || live.done) return;
    live.done = true;
    const texts = live.pieces.map((_, k) => this.textOf(live, k));
    const usage = { context: 10, reused: 9, computed: 1, generated: live.written[0]! };
    const timing = { queue_ms: 0, total_ms: 1 };
    const whole =
      texts.length > 1
        ? { alternatives: texts.map((text) => ({ text, reason, boundaries: boundaries(text) })) }
        : { text: texts[0]!, boundaries: boundaries(texts[0]!) };
    this.frames.push({ type: 'done', doc: this.doc, id: live.id, reason, ...whole, usage, timing });
  }

  textOf(live: FakeSuggestion, alternative: number): string {
    return live.pieces[alternative]!.slice(0, live.written[alternative]).join('');
  }

  private opened({ before, after, rev }: Open): void {
    this.turn(rev);
    this.open = true;
    this.before = before;
    this.after = after;
    this.finish('diverged');
  }

  private edited(edit: Edit): void {
    const removed = edit.delete ?? 0;
    const ahead = edit.delete_after ?? 0;
    if (removed > this.before.length || ahead > this.after.length) throw new Error('an edit that does not fit');
    this.turn(edit.rev);
    this.before = this.before.slice(0, this.before.length - removed) + (edit.insert ?? '');
    this.after = (edit.insert_after ?? '') + this.after.slice(ahead);
    if (edit.length !== undefined && edit.length !== this.before.length) throw new Error('lengths differ');
    this.settle();
  }

  private accepted({ id, length, alternative = 0, rev }: Accept): void {
    const { live } = this;
    if (live?.id !== id) throw new Error('accept of a suggestion that is not the newest');
    const rest = (live.anchor + this.textOf(live, alternative)).slice(this.before.length);
    if (!(live.anchor + this.textOf(live, alternative)).startsWith(this.before)) throw new Error('accept of left text');
    if (length > rest.length) throw new Error('more accepted than there is');
    this.turn(rev);
    this.before += rest.slice(0, length);
    this.settle();
  }

  private asked({ id, rev, alternatives = 1 }: Suggest): void {
    if (id <= this.id) throw new Error('ids must rise');
    if (rev !== this.rev) throw new Error('a question about another text');
    this.finish('superseded');
    this.id = id;
    const { before, after } = this;
    const pieces = Array.from({ length: alternatives }, (_, k) => this.model(before, after, k));
    const none = pieces.map(() => 0);
    this.live = { id, anchor: before, after, pieces, written: [...none], sent: [...none], done: false };
    this.all.push(this.live);
    if (pieces.every((of) => of.length === 0)) this.finish('end');
  }

  private extended(id: number): void {
    const { live } = this;
    if (live?.id !== id || !live.done) throw new Error('extend of what is not done');
    live.done = false;
    live.pieces.forEach((pieces, k) => pieces.push(...this.model(live.anchor + pieces.join(''), live.after, k)));
  }

  private closed(): void {
    this.finish('cancelled');
    this.open = false;
  }

  private turn(rev: number): void {
    if (rev <= this.rev) throw new Error('revisions must rise');
    this.rev = rev;
  }

  /** The rule of type-through. */
  private settle(): void {
    const { live, before } = this;
    if (!live || live.done) return;
    const lives =
      this.after === live.after &&
      before.length >= live.anchor.length &&
      live.pieces.some((_, k) => (live.anchor + this.textOf(live, k)).startsWith(before));
    if (!lives) this.finish('diverged');
  }
}

/** Where words, phrases and sentences of plain English text end. */
function boundaries(text: string): { words: number[]; phrases: number[]; sentences: number[] } {
  const ends = (pattern: RegExp): number[] => [...text.matchAll(pattern)].map((m) => m.index + m[0].length);
  return { words: ends(/\s*[^\s]+/g), phrases: ends(/[,;.]/g), sentences: ends(/\./g) };
}
