/** What a recorder may not have seen: ghost text that was taken back, or stood somewhere else than at the caret. */

import type { Recording } from './recorder.js';

/** Ghost text may begin a hair beside the caret, which has a width. */
const BESIDE_PX = 4;

/**
 * Ghost text that was taken back while the writer did nothing but type. What was painted is a promise: it holds as
 * long as the text goes on as it says, and ends when the writer goes another way or has typed it all.
 */
export function retracted(recordings: Recording[]): string[] {
  return recordings.flatMap((now, at) => {
    const was = recordings[at - 1];
    if (!was?.ghost) return [];
    const promised = was.text + was.ghost;
    const kept = now.ghost !== null && (now.text + now.ghost).startsWith(promised);
    const typedThrough = now.text.startsWith(promised);
    const wentAnotherWay = !promised.startsWith(now.text);
    return kept || typedThrough || wentAnotherWay
      ? []
      : [`after ${now.after}: "${was.text}|${was.ghost}" became "${now.text}|${String(now.ghost)}"`];
  });
}

/** Ghost text that does not begin at the caret. At a wrap it begins on the next line, which is right. */
export const misplaced = (recordings: Recording[]): Recording[] =>
  recordings.filter(({ away }) => away && away.y <= BESIDE_PX && Math.max(Math.abs(away.x), -away.y) > BESIDE_PX);
