/**
 * Comparing texts around a caret: where they agree, and the smallest change at the caret between them.
 *
 * Pure functions of strings. Offsets are UTF-16 code units and never fall inside a surrogate pair.
 */

/** UTF-16 units searched for to find out how far a window has slid. */
const PROBE_UNITS = 48;
/** How many matches to try in text that repeats itself. */
const MOST_MATCHES = 32;

export const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800;
export const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;

/** Length of the common prefix of `a.slice(i)` and `b`. */
export function commonPrefix(a: string, b: string, i = 0): number {
  const most = Math.min(a.length - i, b.length);
  let n = 0;
  while (n < most && a.charCodeAt(i + n) === b.charCodeAt(n)) n++;
  return n > 0 && isHighSurrogate(a.charCodeAt(i + n - 1)) ? n - 1 : n;
}

/** Length of the common suffix of `a` and `b`. */
export function commonSuffix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a.charCodeAt(a.length - 1 - n) === b.charCodeAt(b.length - 1 - n)) n++;
  return n > 0 && isLowSurrogate(a.charCodeAt(a.length - n)) ? n - 1 : n;
}

/** How `to` aligns with `from`: it begins at offset `at` (negative: before `from`) and agrees for `same` units. */
export interface Alignment {
  at: number;
  same: number;
}

/** A text that ends at the caret; `cut` when the document has more before it. */
export interface Tail {
  readonly before: string;
  readonly cut: boolean;
}

/**
 * Aligns two windows that end at the caret of one document before and after a change. A window that is cut may begin
 * anywhere, as it slides along when text is typed at its end. Of the possible alignments the one with the longest
 * agreement wins, and among equals the one that slid least.
 */
export function align({ before: from, cut: fromCut }: Tail, { before: to, cut: toCut }: Tail): Alignment {
  if (to.startsWith(from)) return { at: 0, same: from.length };
  let best: Alignment = { at: 0, same: commonPrefix(from, to) };
  const slide = (long: string, short: string, sign: 1 | -1): void => {
    const probe = short.slice(0, PROBE_UNITS);
    // The probe may match in several places; the longest agreement is the right one.
    for (let i = 0, tries = 0; tries < MOST_MATCHES && (i = long.indexOf(probe, i + 1)) > 0; tries++) {
      const same = commonPrefix(long, short, i);
      if (same > best.same) best = { at: i * sign, same };
    }
  };
  if (toCut) slide(from, to, 1);
  if (fromCut) slide(to, from, -1);
  return best;
}

/** A change at the caret: units to delete before it, then text to insert there. */
export interface TailChange {
  delete: number;
  insert: string;
}

/** The smallest change at the caret that makes a text which ended in `from` end in `to`. */
export function tailChange(from: Tail, to: Tail): TailChange {
  const { at, same } = align(from, to);
  return { delete: from.before.length - Math.max(at, 0) - same, insert: to.before.slice(Math.max(-at, 0) + same) };
}

/** A change this near to the caret counts as a change at the caret. */
const NEAR_UNITS = 16;

/**
 * Whether a change was elsewhere: the text next to the caret is the same as before, including the last `typed` units
 * before it.
 */
export function isElsewhere(was: Around, is: Around, typed: number): boolean {
  const before = commonSuffix(was.before, is.before);
  const after = commonPrefix(was.after, is.after);
  return (
    (was.before === is.before ||
      (before > 0 && before >= Math.min(was.before.length, is.before.length, typed + NEAR_UNITS) && before >= typed)) &&
    after >= Math.min(was.after.length, is.after.length, NEAR_UNITS)
  );
}

interface Around {
  readonly before: string;
  readonly after: string;
}

/**
 * A window before or after the caret, fit to send: at most `reach` units, never cut inside a surrogate pair, and with
 * lone surrogates, which JSON text cannot hold, replaced unit for unit.
 */
export const clipBefore = (text: string, reach: number): string => {
  const cut = text.length > reach ? text.slice(-reach) : text;
  return (isLowSurrogate(cut.charCodeAt(0)) ? cut.slice(1) : cut).toWellFormed();
};

export const clipAfter = (text: string, reach: number): string => {
  const cut = text.length > reach ? text.slice(0, reach) : text;
  return (isHighSurrogate(cut.charCodeAt(cut.length - 1)) ? cut.slice(0, -1) : cut).toWellFormed();
};
