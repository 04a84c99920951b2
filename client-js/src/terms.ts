/**
 * The terms on which a document gets ghost text: its options, as the block at the caret and the server's limits bend
 * them. Pure values; nothing here happens.
 */

import type { Reach } from './mirror.js';
import type { Suggest, Welcome } from './protocol.js';
import { clipAfter } from './text.js';
import { DEFAULTS, USUAL, type AskOptions, type GhostOptions } from './vocabulary.js';

/** The most that a unit of text takes in JSON: `\u0000`. */
const BYTES_PER_UNIT = 6;
/** Before the server has said how much it takes. */
const CONTEXT_UNITS = 65_536;

/** A name as it travels: `maxTokens` is `max_tokens`. */
const wireName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export class Terms {
  options: GhostOptions;
  /** The server that is there, with its limits. */
  server: Welcome | null = null;
  /** Kind of block at the caret. */
  block: string | undefined;
  /** The most text the server is given; lessened when that was too much. */
  contextUnits = CONTEXT_UNITS;

  constructor(options: Partial<GhostOptions>) {
    this.options = { ...DEFAULTS, ...options };
  }

  /** Whether there is to be no ghost text in the block at the caret. */
  get off(): boolean {
    return !this.options.enabled || this.#here === false;
  }

  /** How to ask in the block at the caret. */
  get ask(): AskOptions {
    return { ...this.options, ...(this.#here || {}) };
  }

  get maxTokens(): number {
    return Math.min(this.ask.maxTokens, this.server?.limits.max_tokens ?? Infinity);
  }

  /** So many alternatives as are wanted and allowed. */
  alternatives(wanted: number): number {
    return Math.min(wanted, this.server?.limits.alternatives ?? 1);
  }

  /** The fields of a question that are not the usual ones. */
  fields(alternatives: number): Partial<Suggest> {
    const ask = { ...this.ask, alternatives, maxTokens: this.maxTokens };
    const unusual = (Object.keys(USUAL) as (keyof AskOptions)[]).filter((name) => ask[name] !== USUAL[name]);
    return Object.fromEntries(unusual.map((name) => [wireName(name), ask[name]]));
  }

  /** How much text the server is given. */
  get reach(): Reach {
    const { preface: whole, reachBefore, reachAfter } = this.options;
    const { context = Infinity, message_bytes: bytes = Infinity } = this.server?.limits ?? {};
    const units = Math.min(this.contextUnits, context, bytes / BYTES_PER_UNIT);
    const preface = clipAfter(whole, units >> 1);
    const most = (units - preface.length) >> 2;
    return { preface, before: Math.min(reachBefore, most), after: Math.min(reachAfter, most) };
  }

  get #here(): false | Partial<AskOptions> {
    return (this.block === undefined ? undefined : this.options.blocks[this.block]) ?? {};
  }
}
