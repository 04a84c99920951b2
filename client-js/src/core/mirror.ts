/**
 * The client's copy of the text that the server holds of one document, so that each change is sent as a small splice.
 *
 * The server's text begins where the last `open` began and grows from there; the editor reports windows that slide with
 * the caret. The beginning moves as rarely as possible, because the model's cache is only valid for an unchanged prefix.
 * Nothing here knows of suggestions.
 */

import type { Edit, Open } from './protocol.js';
import { align, clipBefore } from './text.js';
import type { Tail } from './text.js';

/** The text around a caret, with its language and kind of block. */
export interface Surroundings extends Tail {
  readonly after: string;
  readonly language: string | undefined;
  readonly block: string | undefined;
}

/** How much text around the caret is sent, in UTF-16 units, and the preface. */
export interface Reach {
  before: number;
  after: number;
  preface: string;
}

export class Mirror implements Tail {
  readonly #doc: string;
  /** Whether the server holds this document. */
  open = false;
  /** The revision last sent. It goes on rising after a reconnect. */
  rev = 0;
  /** The end of the server's text before the caret. */
  before = '';
  /** Whether the server's text begins somewhere inside the document. */
  cut = false;
  #after = '';
  /** UTF-16 units at the beginning of the server's text that are no longer stored here. */
  #dropped = 0;
  #language: string | undefined;
  #block: string | undefined;

  constructor(doc: string) {
    this.#doc = doc;
  }

  /** The message that makes the server's text equal to the editor's, or null if it is already. */
  sync(now: Surroundings, reach: Reach): Open | Edit | null {
    const { at, same } = align(this, now);
    const before = at >= 0 ? this.before.slice(0, at) + now.before : now.before.slice(-at);
    const related = same > 0 || this.before === '' || now.before === '';
    // Keeping the beginning must leave the model at least half a window to read.
    const kept = related && before.length * 2 >= now.before.length;
    if (!kept || at === 0) this.cut = now.cut;
    if (!this.open || !kept || this.#language !== now.language || this.#block !== now.block) {
      return this.#reopen(kept ? before : now.before, now, reach);
    }
    const removed = this.before.length - Math.max(at, 0) - same;
    const inserted = now.before.slice(Math.max(-at, 0) + same);
    const ahead = afterChange(this.#after, now.after, reach.after);
    this.#after = ahead.insert + this.#after.slice(ahead.delete);
    return this.splice(removed, inserted, reach, ahead);
  }

  /** The message for a change at the caret; null when nothing changes. */
  splice(removed: number, inserted: string, reach: Reach, ahead = { delete: 0, insert: '' }): Edit | null {
    if (!(removed || inserted || ahead.delete || ahead.insert)) return null;
    this.put(removed, inserted, reach);
    return {
      type: 'edit',
      doc: this.#doc,
      rev: this.rev,
      ...(removed && { delete: removed }),
      ...(inserted && { insert: inserted }),
      ...(ahead.delete && { delete_after: ahead.delete }),
      ...(ahead.insert && { insert_after: ahead.insert }),
      length: this.#dropped + this.before.length,
    };
  }

  /** Applies a change that is sent in another message than `edit`; returns its revision. */
  put(removed: number, inserted: string, reach: Reach): number {
    this.before = this.before.slice(0, this.before.length - removed) + inserted;
    if (this.before.length > reach.before * 4) {
      const rest = clipBefore(this.before, reach.before * 2);
      this.#dropped += this.before.length - rest.length;
      this.before = rest;
      this.cut = true;
    }
    return ++this.rev;
  }

  #reopen(before: string, now: Surroundings, reach: Reach): Open {
    this.#after = now.after;
    this.before = clipBefore(before, reach.before * 2);
    this.cut ||= this.before.length < before.length;
    this.#dropped = 0;
    this.#language = now.language;
    this.#block = now.block;
    this.open = true;
    return {
      type: 'open',
      doc: this.#doc,
      rev: ++this.rev,
      before: this.before,
      after: this.#after,
      ...(now.language && { language: now.language }),
      ...(now.block && { block: now.block }),
      ...(reach.preface && { preface: reach.preface }),
    };
  }
}

/** UTF-16 units that must agree for text to count as the same text at another place. */
const MOVED_UNITS = 32;

/**
 * The change right after the caret that turns the server's `from` into the editor's `to`, which is cut at `reach`. No
 * change is needed when both are the same text, cut at different lengths.
 */
export function afterChange(from: string, to: string, reach: number): { delete: number; insert: string } {
  if (sameAfter(from, to, reach)) return { delete: 0, insert: '' };
  const passed = to === '' ? -1 : from.indexOf(to.slice(0, MOVED_UNITS));
  if (passed > 0 && sameAfter(from.slice(passed), to, reach)) return { delete: passed, insert: '' };
  const back = from === '' ? -1 : to.indexOf(from.slice(0, MOVED_UNITS));
  if (back > 0 && sameAfter(from, to.slice(back), reach - back)) return { delete: 0, insert: to.slice(0, back) };
  return { delete: from.length, insert: to };
}

/** Whether two windows that begin at the caret show the same text, and `from` shows enough of it. */
function sameAfter(from: string, to: string, reach: number): boolean {
  if (from === to) return true;
  if (to.startsWith(from)) return from.length * 2 >= reach;
  return from.startsWith(to) && to.length >= reach - 1;
}
