/**
 * Counts and times of one document, for a status panel. Never any text.
 */

/** How many keystroke-to-text times the percentiles are of. */
const KEPT = 500;

/** The counts. `…Units` are UTF-16 units; `context`, `reused`, `computed` and `generated` are tokens of the model. */
export type Counts = Record<(typeof COUNTED)[number], number>;

const COUNTED = [
  'asked',
  'shown',
  'accepted',
  'dismissed',
  'typedUnits',
  /** The typed units that ghost text had already shown. */
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

  /** Ghost text appeared `ms` after the keystroke that led to it. */
  appeared(ms: number): void {
    this.counts.shown++;
    this.#times.push(ms);
    if (this.#times.length > KEPT) this.#times.shift();
  }

  /** The keystroke-to-text time at quantile `p` (0 to 1), in ms; null before the first. */
  percentile(p: number): number | null {
    const sorted = [...this.#times].sort((a, b) => a - b);
    return sorted[Math.floor(p * (sorted.length - 1))] ?? null;
  }

  /** Share of context tokens that the server had cached, 0 to 1; null before the first. */
  get reuse(): number | null {
    return this.counts.context > 0 ? this.counts.reused / this.counts.context : null;
  }
}
