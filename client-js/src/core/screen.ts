/**
 * What the writer sees: the painted ghost text, its announcement to screen readers, and why nothing is painted.
 *
 * Compares what is to be shown with what is shown, and returns an effect for each difference. Decides nothing.
 */

import type { Metrics } from './metrics.js';
import type { Suggestion } from './suggestion.js';
import type { Effect, Ghost, Silence } from './events.js';

/** The time of a timer that is not set. */
export const NEVER = Infinity;

export class Screen {
  /** What is painted now. */
  painted: Ghost | null = null;
  /** Why nothing is painted; null while something is. */
  silence: Silence | null = 'blur';
  /** When to announce what is painted. */
  announceAt = NEVER;
  readonly #metrics: Metrics;
  /** Ids of the suggestions that were announced and counted as shown last. */
  #announced = 0;
  #appeared = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Shows a suggestion, or nothing for `reason`. With `announceMs` 0 nothing is announced. */
  show(suggestion: Suggestion | null, reason: Silence, announceMs: number, now: number): Effect[] {
    const out: Effect[] = [];
    const ghost = suggestion && ghostOf(suggestion);
    if (JSON.stringify(ghost) !== JSON.stringify(this.painted)) {
      this.painted = ghost;
      out.push({ do: 'paint', ghost });
      this.announceAt = ghost && announceMs > 0 && suggestion.id !== this.#announced ? now + announceMs : NEVER;
      if (ghost && suggestion.id !== this.#appeared) {
        this.#appeared = suggestion.id;
        this.#metrics.appeared(now - suggestion.keyAt);
      }
    }
    const silence = ghost ? null : reason;
    if (silence !== this.silence) out.push({ do: 'silence', reason: (this.silence = silence) });
    return out;
  }

  /** Announces what is painted of a suggestion, once. */
  announce({ id }: Suggestion): Effect[] {
    this.announceAt = NEVER;
    this.#announced = id;
    return this.painted ? [{ do: 'announce', text: this.painted.text }] : [];
  }
}

function ghostOf(suggestion: Suggestion): Ghost | null {
  const text = suggestion.rest();
  if (!text) return null;
  const choices = suggestion.choices();
  const choice = Math.max(0, choices.indexOf(suggestion.shown));
  return { text, choice, choices: choices.length, complete: suggestion.ended !== null };
}
