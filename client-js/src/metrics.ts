/**
 * What a status panel shows: counts and times of one document. Never any text.
 */

/** Keystroke-to-text times kept for the percentiles. */
const KEPT = 500;

/** A snapshot of the counts. Characters are UTF-16 units; `reused` and `context` are tokens of the model. */
export interface Counts {
  asked: number;
  shown: number;
  accepted: number;
  dismissed: number;
  typedUnits: number;
  /** Of the typed units, those that the ghost text already said. */
  typedAlongUnits: number;
  acceptedUnits: number;
  context: number;
  reused: number;
  computed: number;
  generated: number;
}

export class Metrics {
  readonly counts: Counts = {
    asked: 0,
    shown: 0,
    accepted: 0,
    dismissed: 0,
    typedUnits: 0,
    typedAlongUnits: 0,
    acceptedUnits: 0,
    context: 0,
    reused: 0,
    computed: 0,
    generated: 0,
  };
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
    return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? null;
  }

  /** The share of prompt tokens that the server had in its cache, 0 to 1; null before any. */
  get reuse(): number | null {
    return this.counts.context > 0 ? this.counts.reused / this.counts.context : null;
  }
}
