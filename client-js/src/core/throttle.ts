/**
 * When to request suggestions: the debounce after a keystroke, and the quiet time after dismissals.
 *
 * Knows only times in ms that the caller gives; it never reads a clock.
 */

/** Weight of the newest measurement in a running mean. */
const NEWEST = 0.3;
/** Gaps longer than this are pauses and do not count for the typing rhythm. */
const PAUSE_MS = 1500;
/** The latency, as a share of the typing rhythm, up to which a request at every keystroke pays. */
const FAST_ENOUGH = 0.75;
/** A gap of this many times the usual one means that the writer has paused. */
const HESITATION = 1.2;
const LONGEST_DEBOUNCE_MS = 350;

/** Dismissals further apart than this are counted separately. */
const DISMISSALS_WITHIN_MS = 120_000;
const FIRST_QUIET_MS = 10_000;
const LONGEST_QUIET_MS = 300_000;
const QUIET_GROWTH = 3;

const mean = (old: number | null, value: number): number => (old === null ? value : old + NEWEST * (value - old));

export class Throttle {
  /** Mean gap between keystrokes and mean time from request to first text, in ms; null before the first measurement. */
  rhythm: number | null = null;
  latency: number | null = null;
  #lastKey: number | null = null;
  #dismissals = 0;
  #dismissedAt = -Infinity;
  #quietUntil = -Infinity;
  #untilNextWord = false;

  /** The writer typed `text`. */
  typed(text: string, now: number): void {
    if (this.#lastKey !== null && now - this.#lastKey < PAUSE_MS) this.rhythm = mean(this.rhythm, now - this.#lastKey);
    this.#lastKey = now;
    if (/[\s\p{P}]/u.test(text)) this.#untilNextWord = false;
  }

  /** The first text of a suggestion came `ms` after its request. */
  answered(ms: number): void {
    this.latency = mean(this.latency, ms);
  }

  /**
   * The time from a keystroke to the request, in ms: the server's `advice` while suggestions come faster than keystrokes,
   * otherwise until the writer pauses, because the next keystroke would overtake the suggestion.
   */
  debounce(advice: number): number {
    const { rhythm, latency } = this;
    if (rhythm === null || latency === null || latency <= rhythm * FAST_ENOUGH) return advice;
    return Math.max(advice, Math.min(rhythm * HESITATION, LONGEST_DEBOUNCE_MS));
  }

  /** The writer dismissed a suggestion: quiet until the next word, and longer after each dismissal in a row. */
  dismissed(now: number): void {
    this.#dismissals = now - this.#dismissedAt < DISMISSALS_WITHIN_MS ? this.#dismissals + 1 : 1;
    this.#dismissedAt = Math.max(now, this.#quietUntil);
    this.#untilNextWord = true;
    if (this.#dismissals > 1) {
      const quiet = FIRST_QUIET_MS * QUIET_GROWTH ** (this.#dismissals - 2);
      this.#quietUntil = now + Math.min(quiet, LONGEST_QUIET_MS);
    }
  }

  /** The writer accepted a suggestion or asked for one: forgets earlier dismissals. */
  reset(): void {
    this.#dismissals = 0;
    this.#quietUntil = -Infinity;
    this.#untilNextWord = false;
  }

  /** Whether no suggestion is to be requested at `now`, because of dismissals. */
  isQuiet(now: number): boolean {
    return this.#untilNextWord || now < this.#quietUntil;
  }
}
