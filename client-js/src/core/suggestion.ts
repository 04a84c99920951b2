/**
 * One suggestion as the client knows it: the text received for each alternative, and how much of it was typed.
 *
 * The text only ever grows. What is painted is what remains after the part already typed, so the one rule of this
 * file is: it remains exactly while text before the caret equals the anchor's text plus a beginning of the suggestion.
 */

import type { Boundaries, Done, Reason, Token } from './protocol.js';
import { commonPrefix, isLowSurrogate, type TailChange } from './text.js';

/** A mark that combines with the character before it and looks broken on its own. */
const CONTINUES_A_CHARACTER = /^[\p{M}\u200d\p{Emoji_Modifier}]/u;

/** Reasons that say the suggestion was for another text than the present one. */
export const OUTDATED: ReadonlySet<string> = new Set(['stale', 'cancelled', 'superseded', 'diverged']);
/** Reasons after which the server no longer knows the id. The text received so far stays valid. */
const DEAD: ReadonlySet<string> = new Set([...OUTDATED, 'busy', 'error', 'lost']);

export class Suggestion {
  /** Why no more text will come; `lost` when the connection went. Null while more may come. */
  ended: Reason | 'lost' | null = null;
  /** Text of each alternative, from the anchor. */
  readonly texts: string[];
  /** The text of the document after the anchor. */
  typed = '';
  /** The part of `typed` that was sent to the server. */
  synced = '';
  /** The alternative that is shown. */
  shown = 0;
  /** When its first text came, in the clock of the controller. */
  firstAt: number | null = null;
  readonly #boundaries: Partial<Boundaries>[] = [];
  readonly #singleLine: boolean;
  readonly #gaps = new Set<number>();

  /**
   * `askedAt` is when it was requested and `keyAt` when the keystroke came that led to it, in ms. With `singleLine` its
   * text ends at the first line break.
   */
  constructor(
    readonly id: number,
    alternatives: number,
    readonly askedAt: number,
    readonly keyAt: number,
    singleLine = false,
  ) {
    this.#singleLine = singleLine;
    this.texts = Array<string>(alternatives).fill('');
  }

  /** Adds one `token`. If text before it is missing, its alternative waits for the whole text in `done`. */
  token({ pos, text, alternative = 0 }: Token, now: number): void {
    const have = this.texts[alternative];
    if (this.ended !== null || have === undefined || this.#gaps.has(alternative)) return;
    if (pos > have.length) this.#gaps.add(alternative);
    else this.#grow(alternative, have.slice(0, pos) + text, now);
  }

  /** Adds the whole text and the boundaries of a `done`. */
  done(message: Done, now: number): void {
    if (this.ended !== null) return;
    (message.alternatives ?? [message]).forEach(({ text = '', boundaries }, alternative) => {
      this.#grow(alternative, text, now);
      if (boundaries) this.#boundaries[alternative] = boundaries;
    });
    this.#gaps.clear();
    this.ended = message.reason;
  }

  /** The server no longer knows it: further messages about it are ignored and none are sent. */
  lose(): void {
    this.ended = 'lost';
  }

  /** More text was requested under the same id. */
  reopen(): void {
    this.ended = null;
  }

  /** Whether the server still knows this id. */
  get known(): boolean {
    return this.ended === null || !DEAD.has(this.ended);
  }

  /** Whether exactly the text received was typed and more is to come. */
  get starved(): boolean {
    return this.ended === null && this.firstAt !== null && this.texts[this.shown] === this.typed;
  }

  /** Applies a change at the caret. False when it reaches before the anchor or fits no alternative. */
  move(change: TailChange): boolean {
    if (change.delete > this.typed.length) return false;
    this.typed = this.typed.slice(0, this.typed.length - change.delete) + change.insert;
    if (!this.#agrees(this.shown)) {
      const other = this.texts.findIndex((_, k) => this.#agrees(k));
      if (other < 0) return false;
      this.shown = other;
    }
    return true;
  }

  /** The text of an alternative after the caret; empty when none is left or when another text was typed. */
  left(alternative = this.shown): string {
    const text = this.texts[alternative] ?? '';
    if (!text.startsWith(this.typed)) return '';
    const left = text.slice(this.typed.length);
    return this.#singleLine ? left.replace(/[\r\n][^]*/, '') : left;
  }

  /** The text to show: `left`, or nothing while the caret is inside a character. */
  rest(alternative = this.shown): string {
    const rest = this.left(alternative);
    return isLowSurrogate(rest.charCodeAt(0)) || CONTINUES_A_CHARACTER.test(rest) ? '' : rest;
  }

  /** The alternatives that can be shown, without duplicates. */
  choices(): number[] {
    const rests = this.texts.map((_, k) => this.rest(k));
    return rests.flatMap((rest, k) => (rest !== '' && rests.indexOf(rest) === k ? [k] : []));
  }

  /** UTF-16 units of the rest up to the server's next boundary of a kind, or null if it named none. */
  boundary(kind: keyof Boundaries): number | null {
    const next = this.#boundaries[this.shown]?.[kind]?.find((offset) => offset > this.typed.length);
    return next === undefined ? null : next - this.typed.length;
  }

  /** The part of `typed` that was not sent yet, as a change at the server's caret. */
  unsynced(): TailChange {
    const same = commonPrefix(this.synced, this.typed);
    return { delete: this.synced.length - same, insert: this.typed.slice(same) };
  }

  #agrees(alternative: number): boolean {
    const text = this.texts[alternative] ?? '';
    return text.startsWith(this.typed) || (this.ended === null && this.typed.startsWith(text));
  }

  /** Extends a text. One that contradicts what was received before is ignored. */
  #grow(alternative: number, text: string, now: number): void {
    const have = this.texts[alternative];
    if (have === undefined || text.length <= have.length || !text.startsWith(have)) return;
    this.texts[alternative] = text;
    this.firstAt ??= now;
  }
}
