/**
 * Keys of ghost text. A key is named by its modifiers and its position on the keyboard (`KeyboardEvent.code`), so that it
 * works in every layout. `Mod` is Cmd on a Mac and Ctrl elsewhere.
 */

import type { Command } from '../core/events.js';

/** The default keys. While no ghost text is shown, all but that of `ask` keep their usual meaning. */
export const KEYMAP: Readonly<Record<string, Command>> = {
  Tab: 'accept',
  Escape: 'dismiss',
  'Mod-ArrowRight': 'acceptWord',
  'Alt-Comma': 'acceptPhrase',
  'Alt-Period': 'acceptSentence',
  'Alt-BracketRight': 'next',
  'Alt-BracketLeft': 'previous',
  'Alt-Equal': 'extend',
  'Alt-Backslash': 'ask',
};

/** The part of a `KeyboardEvent` that is used. */
export interface Key {
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
}

const browser: { navigator?: { platform?: string } } = globalThis;
const MAC = /Mac|iP(hone|ad|od)/;

/** The command of a key, or null. In right-to-left text the left and right arrows are swapped. */
export function commandOf(
  key: Key,
  keymap: Readonly<Record<string, Command>> = KEYMAP,
  rightToLeft = false,
  platform = browser.navigator?.platform ?? '',
): Command | null {
  if (key.isComposing) return null;
  const [mod, other] = MAC.test(platform) ? [key.metaKey, key.ctrlKey] : [key.ctrlKey, key.metaKey];
  if (other) return null;
  let name = key.code || key.key; // on-screen keyboards send no code
  if (rightToLeft && name === 'ArrowLeft') name = 'ArrowRight';
  else if (rightToLeft && name === 'ArrowRight') name = 'ArrowLeft';
  return keymap[(mod ? 'Mod-' : '') + (key.altKey ? 'Alt-' : '') + (key.shiftKey ? 'Shift-' : '') + name] ?? null;
}
