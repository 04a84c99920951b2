/** The panel beside the sheet: connection, figures, why there is no suggestion, and keys. */

import type { ConnectionState, GhostStatus, Silence } from 'afterword';
import { MAC, part, say } from './page.js';
import { inMs, keyName, PASSING, SHOWN, SILENCES, connectionText, type ConnectionText } from './words.js';

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['Tab', 'accept all'],
  ['Mod+→', 'accept a word'],
  ['Alt+,', 'accept a phrase'],
  ['Alt+.', 'accept a sentence'],
  ['Alt+]', 'show another one'],
  ['Alt+=', 'make it longer'],
  ['Esc', 'dismiss it'],
  ['Alt+\\', 'request one'],
  ['Alt+F10', 'go to the toolbar'],
  ['Esc, Tab', 'leave the text'],
];
/** The keys that the foot of the page shows, too. */
const FIRST_KEYS = KEYS.filter(([key]) => ['Tab', 'Mod+→', 'Esc'].includes(key));

/** What the panel shows. */
export interface Figures {
  state: ConnectionState;
  status: GhostStatus;
  roundTripMs: number | null;
  hadToken: boolean;
}

export class Panel {
  readonly #parts = {
    connection: part('connection', HTMLElement),
    retry: part('retry', HTMLButtonElement),
    model: part('model', HTMLElement),
    roundTrip: part('round-trip', HTMLElement),
    silence: part('silence', HTMLElement),
    median: part('median', HTMLElement),
    percentile: part('percentile', HTMLElement),
    reuseBar: part('reuse-bar', HTMLElement),
    reused: part('reused', HTMLElement),
    computed: part('computed', HTMLElement),
    typed: part('typed', HTMLElement),
    accepted: part('accepted', HTMLElement),
    state: part('state', HTMLElement),
  };
  #silence: Silence | null = null;

  constructor() {
    const list = part('keys', HTMLElement);
    for (const [key, what] of KEYS) list.append(entry(key, what));
    const hint = part('hint', HTMLElement);
    for (const [key, what] of FIRST_KEYS) hint.append(kbd(key), ` ${what} `);
  }

  show({ state, status, roundTripMs, hadToken }: Figures): void {
    const parts = this.#parts;
    this.#showConnection(connectionText(state, performance.now(), hadToken));
    parts.retry.hidden = state.name !== 'waiting';
    if (state.name === 'ready') say(parts.model, state.welcome.model);
    say(parts.roundTrip, state.name === 'ready' ? inMs(roundTripMs) : '–');

    const { silence } = status;
    if (!silence || !PASSING.has(silence) || this.#silence === null) this.#silence = silence;
    say(parts.silence, this.#silence ? SILENCES[this.#silence] : SHOWN);

    say(parts.median, inMs(status.firstTextP50Ms));
    say(parts.percentile, inMs(status.firstTextP95Ms));
    const known = status.reused + status.computed;
    parts.reuseBar.style.setProperty('--share', String(known > 0 ? status.reused / known : 0));
    say(parts.reused, known > 0 ? `${count(status.reused)} (${percent(status.reused / known)})` : '0');
    say(parts.computed, count(status.computed));
    say(parts.typed, count(status.typedUnits));
    const all = status.typedUnits + status.acceptedUnits;
    const share = all > 0 ? ` (${percent(status.acceptedUnits / all)})` : '';
    say(parts.accepted, count(status.acceptedUnits) + share);
  }

  #showConnection({ mood, brief, full }: ConnectionText): void {
    document.body.dataset.mood = mood;
    say(this.#parts.connection, full);
    const words = this.#parts.state.lastElementChild;
    if (words) say(words, brief);
  }
}

const count = (number: number): string => number.toLocaleString('en');
const percent = (share: number): string => share.toLocaleString('en', { style: 'percent' });

function kbd(key: string): HTMLElement {
  const element = document.createElement('kbd');
  element.textContent = keyName(key, MAC);
  return element;
}

function entry(key: string, what: string): HTMLElement {
  const [row, term, text] = ['div', 'dt', 'dd'].map((name) => document.createElement(name)) as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  term.append(kbd(key));
  text.textContent = what;
  row.append(term, text);
  return row;
}
