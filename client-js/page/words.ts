/** What the panel says, in plain words: where the connection stands, and why there is no ghost text. Pure. */

import { CLOSE_UNAUTHORIZED, type ConnectionState, type Silence } from 'afterword';

const SECOND_MS = 1000;

/** How the connection is, in one word for its colour and a few for the reader. */
export interface Standing {
  mood: 'good' | 'busy' | 'away';
  /** For the foot of the page. */
  brief: string;
  /** For the panel. */
  full: string;
}

/** `now` as of the clock of `retryAt`; `hadToken`: whether one was sent. */
export function standing(state: ConnectionState, now: number, hadToken: boolean): Standing {
  switch (state.name) {
    case 'ready':
      return state.draining
        ? { mood: 'busy', brief: 'Moving', full: 'The server is about to stop. Looking for the next one.' }
        : { mood: 'good', brief: 'Connected', full: 'Connected.' };
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((state.retryAt - now) / SECOND_MS));
      const when = seconds > 0 ? `in ${seconds} s` : 'now';
      return {
        mood: 'away',
        brief: 'Server away',
        full: `The server is away. Write on: nothing is lost. Trying again ${when}.`,
      };
    }
    case 'refused':
      if (state.code !== CLOSE_UNAUTHORIZED) {
        const full = `The server turned this page away: ${state.reason || `code ${state.code}`}.`;
        return { mood: 'away', brief: 'Turned away', full };
      }
      return {
        mood: 'away',
        brief: 'Token needed',
        full: hadToken ? 'The server did not take this token.' : 'The server asks for a token.',
      };
    case 'closed':
      return { mood: 'away', brief: 'Disconnected', full: 'Disconnected.' };
    default:
      return { mood: 'busy', brief: 'Connecting', full: 'Connecting …' };
  }
}

/** Why nothing was shown. */
export const SILENCES: Readonly<Record<Silence, string>> = {
  // Of the server.
  end: 'The model had nothing to add: for it, the text ends here.',
  stop: 'What it would have said ended at once.',
  length: 'What it would have said came to nothing that can be shown.',
  time: 'It took too long.',
  suffix: 'It would only have repeated what stands after the caret.',
  quiet: 'The model was not sure enough.',
  repetition: 'It was about to repeat itself.',
  cancelled: 'It was called off.',
  superseded: 'A newer question took its place.',
  diverged: 'You wrote something else.',
  stale: 'The text had moved on before the server looked at it.',
  busy: 'The server has too much to do just now.',
  error: 'Something went wrong in the server.',
  // Of the page.
  off: 'Ghost text is switched off.',
  block: 'There is no ghost text in code.',
  offline: 'There is no connection to the server.',
  blur: 'The caret is not in the text.',
  selection: 'Text is selected.',
  composing: 'An input method is at work, and is not disturbed.',
  deleted: 'You deleted something; it waits until you type.',
  undone: 'You undid or redid something; it waits until you type.',
  moved: 'You moved the caret; it waits until you type.',
  remote: 'The text was changed from elsewhere.',
  start: 'There is nothing before the caret to go on from.',
  dismissed: 'You waved it away.',
  peace: 'You waved it away several times, so it leaves you in peace for a while.',
  'no-other': 'There was no other text to offer.',
  waiting: 'It was asked, and has not answered yet.',
};

/** Silences that say less than the one before them: looking at the panel is no reason, nor is a moment's wait. */
export const PASSING: ReadonlySet<Silence> = new Set(['blur', 'waiting', 'diverged', 'superseded']);

/** A time for the reader. */
export function inMs(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** The name of the first line, for the window and for a file; empty if there is none. */
export function titleOf(text: string): string {
  const line = text.split('\n').find((part) => part.trim() !== '') ?? '';
  return Array.from(line.trim()).slice(0, TITLE_CHARACTERS).join('').trim();
}

const TITLE_CHARACTERS = 60;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** Words as the reader's language has them, for scripts without spaces, too. */
export function countWords(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}

/** A key by the names on the reader's keyboard: `Mod+B` is ⌘B on a Mac and Ctrl+B elsewhere. */
export function keyName(key: string, mac: boolean): string {
  if (!mac) return key.replace('Mod', 'Ctrl');
  return key.replaceAll('Mod+', '⌘').replaceAll('Shift+', '⇧').replaceAll('Alt+', '⌥');
}
