/**
 * What a status panel shows: counts and times of one document. Never any text.
 */

/** Keystroke-to-text times kept for the percentiles. */
const KEPT = 500;

/** A snapshot of the counts. Characters are UTF-16 units; `reused` and `context` are tokens of the model. */
export type Counts = Record<(typeof COUNTED)[number], number>;

const COUNTED = [
  'asked',
  'shown',
  'accepted',
  'dismissed',
  'typedUnits',
  /** Of the typed units, those that the ghost text already said. */
  'typedAlongUnits',
  'acceptedUnits',
  'context',
  'reused',
  'computed',
  'generated',
] as const;

export class Metrics {
  readonly counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;
  readonly #times: number[] = [];

  /** Ghost text appeared so many ms after the keystroke that led to it. */
  appeared(ms: number): void {
    this.counts.shown++;
    this.#times.push(ms);
    if (this.#times.length > KEPT) this.#times.shift();
  }

  /** The time below which the share `p` (0 to 1) of keystroke-to-text times lie, in ms; null before any. */
  percentile(p: number): number | null {
    const sorted = [...this.#times].sort((a, b) => a - b);
    return sorted[Math.floor(p * (sorted.length - 1))] ?? null;
  }

  /** The share of prompt tokens that the server had in its cache, 0 to 1; null before any. */
  get reuse(): number | null {
    return this.counts.context > 0 ? this.counts.reused / this.counts.context : null;
  }
}
