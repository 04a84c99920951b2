/**
 * One suggestion as the client knows it: the text received for each alternative, and how far it was typed along.
 *
 * The text only ever grows. What is painted is what remains after the part already typed, so the one rule of this
 * file is: it remains exactly while text before the caret equals the anchor's text plus a beginning of the suggestion.
 */

import type { Boundaries, Done, Reason, Token } from './protocol.js';
import { commonPrefix, isLowSurrogate, type TailChange } from './text.js';

/** A mark that belongs to the character before it and looks broken on its own. */
const CONTINUES_A_CHARACTER = /^[\p{M}\u200d\p{Emoji_Modifier}]/u;

/** The server ended it because it knew of other text than was meant. */
export const MISTAKEN: ReadonlySet<string> = new Set(['stale', 'cancelled', 'superseded', 'diverged']);
/** After these, too, the server has no use for the id; the text received so far stays good. */
const DEAD: ReadonlySet<string> = new Set([...MISTAKEN, 'busy', 'error', 'lost']);

export class Suggestion {
  /** Why no more text will come; `lost` when the connection went. Null while more may come. */
  ended: Reason | 'lost' | null = null;
  /** Text of each alternative, from the anchor. */
  readonly texts: string[];
  /** What stands in the document after the anchor. */
  typed = '';
  /** As much of `typed` as the server was told. */
  told = '';
  /** The alternative that is shown. */
  shown = 0;
  /** When its first text came, in the clock of the controller. */
  firstAt: number | null = null;
  readonly #boundaries: Partial<Boundaries>[] = [];
  readonly #singleLine: boolean;
  readonly #gaps = new Set<number>();

  /**
   * `askedAt` is when it was asked for and `keyAt` when the keystroke came that led to it, in ms. A suggestion for
   * a field of one line ends where its text has a line break.
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

  /** Takes in one piece. A piece that leaves a gap ends its alternative until `done` brings the whole text. */
  token({ pos, text, alternative = 0 }: Token, now: number): void {
    const have = this.texts[alternative];
    if (this.ended !== null || have === undefined || this.#gaps.has(alternative)) return;
    if (pos > have.length) this.#gaps.add(alternative);
    else this.#grow(alternative, have.slice(0, pos) + text, now);
  }

  /** Takes in the end of the present ask. */
  done(message: Done, now: number): void {
    if (this.ended !== null) return;
    (message.alternatives ?? [message]).forEach(({ text = '', boundaries }, alternative) => {
      this.#grow(alternative, text, now);
      if (boundaries) this.#boundaries[alternative] = boundaries;
    });
    this.#gaps.clear();
    this.ended = message.reason;
  }

  /** The server knows it no more: no frame of it will be believed, and none sent about it. */
  lose(): void {
    this.ended = 'lost';
  }

  /** More was asked for under the same id. */
  reopen(): void {
    this.ended = null;
  }

  /** Whether the server would still understand a message about this id. */
  get known(): boolean {
    return this.ended === null || !DEAD.has(this.ended);
  }

  /** Whether all of the text received was typed, no more, and further text is on its way. */
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

  /** What is left of an alternative after the caret; empty when nothing is, or when the text typed is another. */
  left(alternative = this.shown): string {
    const text = this.texts[alternative] ?? '';
    if (!text.startsWith(this.typed)) return '';
    const left = text.slice(this.typed.length);
    return this.#singleLine ? left.replace(/[\r\n][^]*/, '') : left;
  }

  /** Of what is left, what can be shown: nothing while the caret stands inside a character. */
  rest(alternative = this.shown): string {
    const rest = this.left(alternative);
    return isLowSurrogate(rest.charCodeAt(0)) || CONTINUES_A_CHARACTER.test(rest) ? '' : rest;
  }

  /** The alternatives that can be shown, without those that read the same as an earlier one. */
  choices(): number[] {
    const rests = this.texts.map((_, k) => this.rest(k));
    return rests.flatMap((rest, k) => (rest !== '' && rests.indexOf(rest) === k ? [k] : []));
  }

  /** Units of the rest up to the server's next boundary of a kind, or null where it named none. */
  boundary(kind: keyof Boundaries): number | null {
    const next = this.#boundaries[this.shown]?.[kind]?.find((offset) => offset > this.typed.length);
    return next === undefined ? null : next - this.typed.length;
  }

  /** The part of `typed` that the server has not been told, as a change at its caret. */
  untold(): TailChange {
    const same = commonPrefix(this.told, this.typed);
    return { delete: this.told.length - same, insert: this.typed.slice(same) };
  }

  #agrees(alternative: number): boolean {
    const text = this.texts[alternative] ?? '';
    return text.startsWith(this.typed) || (this.ended === null && this.typed.startsWith(text));
  }

  /** Lets a text grow. One that would change what was received before is not believed. */
  #grow(alternative: number, text: string, now: number): void {
    const have = this.texts[alternative];
    if (have === undefined || text.length <= have.length || !text.startsWith(have)) return;
    this.texts[alternative] = text;
    this.firstAt ??= now;
  }
}
