/**
 * The options of ghost text with their defaults, and what they come to for one document: the block at the caret and
 * the server's limits change them. Pure values; nothing here happens.
 */

import type { Reach } from './mirror.js';
import type { Stop, Suggest, Welcome } from './protocol.js';
import { clipAfter } from './text.js';

/** The parameters of a `suggest`. */
export interface AskOptions {
  alternatives: number;
  maxTokens: number;
  stop: Stop;
  /** From 0 to 1. 0 shows everything; the nearer to 1, the surer the model must be. */
  quiet: number;
  temperature: number;
  seed: number | undefined;
  maxTimeMs: number | undefined;
}

export interface GhostOptions extends AskOptions {
  enabled: boolean;
  /** By kind of block: other parameters, or `false` for no ghost text there, in which case no text is sent either. */
  blocks: Readonly<Record<string, false | Partial<AskOptions>>>;
  /**
   * Time from a keystroke to the request for a suggestion. `auto` adapts to the server and to how fast the writer types;
   * 0 requests at once, `Infinity` only on the command `ask`.
   */
  debounceMs: number | 'auto';
  /** How many alternatives to request when the writer asks for others and only one was requested. */
  moreAlternatives: number;
  /** Pause in ms after which ghost text is announced to screen readers, once; 0: never. */
  announceMs: number;
  /** Cut ghost text at the first line break, for fields of one line. */
  singleLine: boolean;
  language: string | undefined;
  /** Text that the model reads before the document: title, glossary, style. */
  preface: string;
  /** UTF-16 units of text before and after the caret that are sent to the server. */
  reachBefore: number;
  reachAfter: number;
}

/** The protocol's defaults, which a `suggest` leaves out. */
export const SUGGEST_DEFAULTS: AskOptions = {
  alternatives: 1,
  maxTokens: 24,
  stop: 'sentence',
  quiet: 0,
  temperature: 0,
  seed: undefined,
  maxTimeMs: undefined,
};

export const DEFAULTS: GhostOptions = {
  ...SUGGEST_DEFAULTS,
  enabled: true,
  blocks: {},
  debounceMs: 'auto',
  moreAlternatives: 3,
  announceMs: 1000,
  singleLine: false,
  language: undefined,
  preface: '',
  reachBefore: 4096,
  reachAfter: 1024,
};

/** The most bytes that a unit of text takes in JSON: `\u0000`. */
const BYTES_PER_UNIT = 6;
/** The most text sent before the server has named its limit. */
const CONTEXT_UNITS = 65_536;

/** The name of an option on the wire: `maxTokens` is `max_tokens`. */
const wireName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The options of one document. */
export class DocumentOptions {
  values: GhostOptions;
  /** The welcome of the connected server, with its limits. */
  server: Welcome | null = null;
  /** Kind of block at the caret. */
  block: string | undefined;
  /** The most text to send; reduced when the server refuses that much. */
  contextUnits = CONTEXT_UNITS;

  constructor(options: Partial<GhostOptions>) {
    this.values = { ...DEFAULTS, ...options };
  }

  /** Whether ghost text is switched off, everywhere or in the block at the caret. */
  get off(): boolean {
    return !this.values.enabled || this.#here === false;
  }

  /** The parameters of a `suggest` in the block at the caret. */
  get ask(): AskOptions {
    return { ...this.values, ...(this.#here || {}) };
  }

  get maxTokens(): number {
    return Math.min(this.ask.maxTokens, this.server?.limits.max_tokens ?? Infinity);
  }

  /** `wanted` alternatives, or as many as the server allows. */
  alternatives(wanted: number): number {
    return Math.min(wanted, this.server?.limits.alternatives ?? 1);
  }

  /** The fields of a `suggest` that differ from the protocol's defaults. */
  fields(alternatives: number): Partial<Suggest> {
    const ask = { ...this.ask, alternatives, maxTokens: this.maxTokens };
    const changed = (Object.keys(SUGGEST_DEFAULTS) as (keyof AskOptions)[]).filter(
      (name) => ask[name] !== SUGGEST_DEFAULTS[name],
    );
    return Object.fromEntries(changed.map((name) => [wireName(name), ask[name]]));
  }

  /** How much text to send. */
  get reach(): Reach {
    const { preface: whole, reachBefore, reachAfter } = this.values;
    const { context = Infinity, message_bytes: bytes = Infinity } = this.server?.limits ?? {};
    const units = Math.min(this.contextUnits, context, bytes / BYTES_PER_UNIT);
    const preface = clipAfter(whole, units >> 1);
    const most = (units - preface.length) >> 2;
    return { preface, before: Math.min(reachBefore, most), after: Math.min(reachAfter, most) };
  }

  get #here(): false | Partial<AskOptions> {
    return (this.block === undefined ? undefined : this.values.blocks[this.block]) ?? {};
  }
}
