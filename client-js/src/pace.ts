/**
 * When to ask: how long to wait after a keystroke, and when to leave the writer in peace.
 *
 * Knows times only, in milliseconds of the caller's clock; never reads a clock.
 */

/** Weight of the newest measurement in a running mean. */
const NEWEST = 0.3;
/** A pause longer than this says nothing about the rhythm of typing. */
const PAUSE_MS = 1500;
/** An answer should be there well before the next keystroke, or it is not worth asking at every one. */
const IN_TIME = 0.75;
/** Waiting this much longer than the usual gap between keystrokes means that the writer has stopped to think. */
const HESITATION = 1.2;
const LONGEST_DEBOUNCE_MS = 350;

/** Dismissals further apart than this have nothing to do with each other. */
const DISMISSALS_TOGETHER_MS = 120_000;
const FIRST_PEACE_MS = 10_000;
const LONGEST_PEACE_MS = 300_000;
const PEACE_GROWTH = 3;

const mean = (old: number | null, value: number): number => (old === null ? value : old + NEWEST * (value - old));

export class Pace {
  /** Usual gap between keystrokes and usual time from asking to first text, in ms; null before any was measured. */
  rhythm: number | null = null;
  latency: number | null = null;
  #lastKey: number | null = null;
  #dismissals = 0;
  #dismissedAt = -Infinity;
  #peaceUntil = -Infinity;
  #untilNextWord = false;

  /** The writer typed `text`. */
  typed(text: string, now: number): void {
    if (this.#lastKey !== null && now - this.#lastKey < PAUSE_MS) this.rhythm = mean(this.rhythm, now - this.#lastKey);
    this.#lastKey = now;
    if (/[\s\p{P}]/u.test(text)) this.#untilNextWord = false;
  }

  /** The first text of an answer came after `ms`. */
  answered(ms: number): void {
    this.latency = mean(this.latency, ms);
  }

  /**
   * How long to wait after a keystroke before asking, in ms. While answers come faster than keystrokes, the server's
   * advice; else until the writer hesitates, because an answer on the way would only be overtaken.
   */
  debounce(advice: number): number {
    const { rhythm, latency } = this;
    if (rhythm === null || latency === null || latency <= rhythm * IN_TIME) return advice;
    return Math.max(advice, Math.min(rhythm * HESITATION, LONGEST_DEBOUNCE_MS));
  }

  /** The writer waved a suggestion away: quiet until the next word, and for longer each time it happens in a row. */
  dismissed(now: number): void {
    this.#dismissals = now - this.#dismissedAt < DISMISSALS_TOGETHER_MS ? this.#dismissals + 1 : 1;
    this.#dismissedAt = Math.max(now, this.#peaceUntil);
    this.#untilNextWord = true;
    if (this.#dismissals > 1) {
      const peace = FIRST_PEACE_MS * PEACE_GROWTH ** (this.#dismissals - 2);
      this.#peaceUntil = now + Math.min(peace, LONGEST_PEACE_MS);
    }
  }

  /** The writer took a suggestion, or asked for one: all is forgiven. */
  welcomed(): void {
    this.#dismissals = 0;
    this.#peaceUntil = -Infinity;
    this.#untilNextWord = false;
  }

  /** Whether the writer is to be left alone at `now`. */
  inPeace(now: number): boolean {
    return this.#untilNextWord || now < this.#peaceUntil;
  }
}
