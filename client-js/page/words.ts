/** The texts of the panel: the state of the connection, and why there is no suggestion. Pure. */

import { CLOSE_UNAUTHORIZED, type ConnectionState, type Silence } from 'afterword';

const SECOND_MS = 1000;

/** The state of the connection for the reader. */
export interface ConnectionText {
  /** Decides the colour of the dot. */
  mood: 'good' | 'busy' | 'away';
  /** For the foot of the page. */
  brief: string;
  /** For the panel. */
  full: string;
}

/** `now` on the clock of `retryAt`; `hadToken`: a token was sent. */
export function connectionText(state: ConnectionState, now: number, hadToken: boolean): ConnectionText {
  switch (state.name) {
    case 'ready':
      if (state.draining)
        return {
          mood: 'busy',
          brief: 'Switching server',
          full: 'The server is shutting down. Connecting to another one.',
        };
      if (state.engineLost)
        return {
          mood: 'busy',
          brief: 'Model restarting',
          full: 'The server is restarting its model. Suggestions will be back in a moment.',
        };
      return { mood: 'good', brief: 'Connected', full: 'Connected.' };
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((state.retryAt - now) / SECOND_MS));
      const when = seconds > 0 ? `in ${seconds} s` : 'now';
      return {
        mood: 'away',
        brief: 'Offline',
        full: `Cannot reach the server. Your text is safe; keep writing. Trying again ${when}.`,
      };
    }
    case 'refused':
      if (state.code !== CLOSE_UNAUTHORIZED) {
        const full = `The server refused the connection: ${state.reason || `code ${state.code}`}.`;
        return { mood: 'away', brief: 'Refused', full };
      }
      return {
        mood: 'away',
        brief: 'Token needed',
        full: hadToken ? 'The server did not accept this token.' : 'The server needs a token.',
      };
    case 'closed':
      return { mood: 'away', brief: 'Disconnected', full: 'Disconnected.' };
    default:
      return { mood: 'busy', brief: 'Connecting', full: 'Connecting …' };
  }
}

/** Why there is no suggestion. */
export const SILENCES: Readonly<Record<Silence, string>> = {
  // From the server.
  end: 'The model considers the text finished here.',
  stop: 'The suggestion was empty.',
  length: 'The suggestion had no visible text.',
  time: 'The suggestion took too long.',
  suffix: 'The suggestion would repeat the text after the caret.',
  quiet: 'The model was not sure enough.',
  repetition: 'The suggestion would repeat itself.',
  cancelled: 'The suggestion was cancelled.',
  superseded: 'A newer request replaced this one.',
  diverged: 'You typed something else.',
  stale: 'The text changed before the server read it.',
  busy: 'The server is busy.',
  error: 'The server had an error.',
  // From the client.
  off: 'Suggestions are switched off.',
  block: 'There are no suggestions in code blocks.',
  offline: 'There is no connection to the server.',
  blur: 'The caret is not in the text.',
  selection: 'Text is selected.',
  composing: 'You are composing a character.',
  deleted: 'You deleted text. Type to get a suggestion.',
  undone: 'You used undo or redo. Type to get a suggestion.',
  moved: 'You moved the caret. Type to get a suggestion.',
  remote: 'The text was changed in another place.',
  start: 'There is no text before the caret.',
  dismissed: 'You dismissed the suggestion.',
  peace: 'You dismissed several suggestions, so they pause for a while.',
  'no-other': 'There is no other suggestion.',
  waiting: 'Waiting for the server.',
};

/** In place of a reason while there is a suggestion. */
export const SHOWN = 'A suggestion is shown.';

/** Reasons that do not replace an earlier one: they only last a moment, or come from looking at the panel. */
export const PASSING: ReadonlySet<Silence> = new Set(['blur', 'waiting', 'diverged', 'superseded']);

/** A time in ms for the reader; a dash for none. */
export function inMs(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** The first line that is not empty, for the title of the window and the name of a file. */
export function titleOf(text: string): string {
  const line = text.split('\n').find((part) => part.trim() !== '') ?? '';
  return Array.from(line.trim()).slice(0, TITLE_CHARACTERS).join('').trim();
}

const TITLE_CHARACTERS = 60;

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** The number of words, also in scripts without spaces. */
export function countWords(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}

/** The name of a key: `Mod+B` is ⌘B on a Mac and Ctrl+B elsewhere. */
export function keyName(key: string, mac: boolean): string {
  if (!mac) return key.replace('Mod', 'Ctrl');
  return key.replaceAll('Mod+', '⌘').replaceAll('Shift+', '⇧').replaceAll('Alt+', '⌥');
}
