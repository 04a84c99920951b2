/**
 * What the server holds of one document, kept so that each change travels as a small splice.
 *
 * The server's text begins where the first `open` began and grows from there; the editor gives windows that slide.
 * The beginning is moved as rarely as possible, because a model's cache is only good for text that begins the same.
 * Nothing here knows of suggestions.
 */

import type { Edit, Open } from './protocol.js';
import { align, clipBefore } from './text.js';
import type { Tail } from './text.js';

/** The text around a caret and what the server should know of its place. */
export interface Surroundings extends Tail {
  readonly after: string;
  readonly language: string | undefined;
  readonly block: string | undefined;
}

/** How much text around the caret is sent, in units, and the text ahead of it. */
export interface Reach {
  before: number;
  after: number;
  preface: string;
}

export class Mirror implements Tail {
  readonly #doc: string;
  /** Whether the server holds this document at all. */
  open = false;
  /** The revision last sent; rises over reconnects too. */
  rev = 0;
  /** The end of the server's text before the caret. */
  before = '';
  /** Whether the server's text begins somewhere inside the document. */
  cut = false;
  #after = '';
  /** Units at the beginning of the server's text that are no longer kept here. */
  #dropped = 0;
  #language: string | undefined;
  #block: string | undefined;

  constructor(doc: string) {
    this.#doc = doc;
  }

  /** The message that makes the server's text equal to the editor's, or null where it already does. */
  sync(now: Surroundings, reach: Reach): Open | Edit | null {
    const { at, same } = align(this, now);
    const before = at >= 0 ? this.before.slice(0, at) + now.before : now.before.slice(-at);
    const related = same > 0 || this.before === '' || now.before === '';
    // A beginning that is kept too long leaves the model with little to read: half the window is the least.
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

  /** A change at the caret, as the message that tells of it; null when nothing changes. */
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

  /** Counts a change that travels in another message than an `edit`; returns the revision for it. */
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

/** Units of text that must agree before it counts as the same text moved. */
const MOVED_UNITS = 32;

/**
 * The change right after the caret that makes the server's `from` agree with the editor's `to`, which is cut at
 * `reach`. Where the two are the same text cut at different lengths, nothing needs to change.
 */
export function afterChange(from: string, to: string, reach: number): { delete: number; insert: string } {
  if (sameAfter(from, to, reach)) return { delete: 0, insert: '' };
  const passed = to === '' ? -1 : from.indexOf(to.slice(0, MOVED_UNITS));
  if (passed > 0 && sameAfter(from.slice(passed), to, reach)) return { delete: passed, insert: '' };
  const back = from === '' ? -1 : to.indexOf(from.slice(0, MOVED_UNITS));
  if (back > 0 && sameAfter(from, to.slice(back), reach - back)) return { delete: 0, insert: to.slice(0, back) };
  return { delete: from.length, insert: to };
}

/** Whether two windows that begin at the caret show the same text, as far as both reach and far enough. */
function sameAfter(from: string, to: string, reach: number): boolean {
  if (from === to) return true;
  // Text that ends before the reach does is all there is.
  if (to.startsWith(from)) return from.length * 2 >= reach;
  return from.startsWith(to) && to.length >= reach - 1;
}
