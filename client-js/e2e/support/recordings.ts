/** Faults in a recording: ghost text that was taken back, or that was not at the caret. */

import type { Recording } from './recorder.js';

/** Ghost text may begin this far from the caret, which has a width. */
const BESIDE_PX = 4;

/**
 * Ghost text that was taken back although the writer only typed. Painted text must stay as long as the writer types it,
 * and ends when the writer types something else or has typed all of it.
 */
export function retracted(recordings: Recording[]): string[] {
  return recordings.flatMap((now, at) => {
    const was = recordings[at - 1];
    if (!was?.ghost) return [];
    const painted = was.text + was.ghost;
    const kept = now.ghost !== null && (now.text + now.ghost).startsWith(painted);
    const typedThrough = now.text.startsWith(painted);
    const diverged = !painted.startsWith(now.text);
    return kept || typedThrough || diverged
      ? []
      : [`after ${now.after}: "${was.text}|${was.ghost}" became "${now.text}|${String(now.ghost)}"`];
  });
}

/** Ghost text that does not begin at the caret. Where the line wraps, it begins on the next line, which is right. */
export const misplaced = (recordings: Recording[]): Recording[] =>
  recordings.filter(({ away }) => away && away.y <= BESIDE_PX && Math.max(Math.abs(away.x), -away.y) > BESIDE_PX);
