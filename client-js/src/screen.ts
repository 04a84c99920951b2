/**
 * What the writer sees of ghost text: what is painted, what was said aloud, and why nothing shows.
 *
 * Turns "this is to be seen now" into effects, each only where something changed. Decides nothing.
 */

import type { Metrics } from './metrics.js';
import type { Suggestion } from './suggestion.js';
import type { Effect, Ghost, Silence } from './vocabulary.js';

/** A time that does not come. */
export const NEVER = Infinity;

export class Screen {
  /** What is painted now. */
  painted: Ghost | null = null;
  /** Why nothing is painted; null while something is. */
  silence: Silence | null = 'blur';
  /** When what is painted is to be announced. */
  announceAt = NEVER;
  readonly #metrics: Metrics;
  /** Ids of the suggestions last announced and last painted for the first time. */
  #announced = 0;
  #appeared = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Shows what can be shown of a suggestion, or nothing, for a reason. `announceMs` of 0 is never. */
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
