/**
 * What goes into the ghost-text controller and what comes out: updates and commands of an editor in, effects out.
 *
 * Types only.
 */

import type { DocumentMessage, Reason } from './protocol.js';

/**
 * What made the text or the caret change.
 *
 * `type`: the writer typed or composed text. `paste`: the writer put text in by other means (paste, drop, a
 * completion). `delete`: the writer took text out (backspace, cut). `undo`, `redo`. `caret`: only the caret moved.
 * `remote`: someone else's edit, or a program's, while the writer's caret stayed where it was in the text.
 * `set`: the application loaded or replaced the text.
 */
export type Change = 'type' | 'paste' | 'delete' | 'undo' | 'redo' | 'caret' | 'remote' | 'set';

/**
 * The state of an editor after a change. Bindings send one after every transaction that touched text, selection,
 * focus or composition; one that changes nothing costs nothing.
 */
export interface Update {
  change: Change;
  /**
   * Text before the caret: at least `reachBefore` units, or all there is. Blocks are separated by a line feed; what
   * is not text (an image) is U+FFFC. Longer is fine, the controller cuts it.
   */
  before: string;
  /** Text after the caret: at least `reachAfter` units, or all there is. */
  after: string;
  /** Whether the selection is empty, a mere caret. */
  selectionEmpty: boolean;
  focused: boolean;
  /** Whether an input method is composing. Its provisional text is neither read nor sent. */
  composing?: boolean;
  /** Kind of block that holds the caret, by a name the application chooses (`paragraph`, `heading`, `code`, …). */
  block?: string | undefined;
  /** BCP 47 tag of the language at the caret; by default that of the options. */
  language?: string | undefined;
}

/** What a writer can do with ghost text. `ask` requests a suggestion. */
export type Command =
  'accept' | 'acceptWord' | 'acceptPhrase' | 'acceptSentence' | 'next' | 'previous' | 'extend' | 'dismiss' | 'ask';

/** Ghost text as it stands at the caret. */
export interface Ghost {
  /** What to paint right after the caret. May contain line feeds. Never empty. */
  text: string;
  /** Which of `choices` texts this is, from 0, and how many there are. */
  choice: number;
  choices: number;
  /** Whether the text is complete; otherwise more may be added at its end. */
  complete: boolean;
}

/** Why no ghost text is shown: the server's reason, or one of the client's own. */
export type Silence =
  | Reason
  /** Ghost text is switched off, everywhere or in this kind of block. */
  | 'off'
  | 'block'
  /** There is no connection. */
  | 'offline'
  /** The editor has no focus, has a selection, or is composing. */
  | 'blur'
  | 'selection'
  | 'composing'
  /** No suggestion is requested after these changes. */
  | 'deleted'
  | 'undone'
  | 'moved'
  | 'remote'
  /** There is no text before the caret to continue. */
  | 'start'
  /** The writer dismissed it (`dismissed`), and no other is requested for a while (`peace`). */
  | 'dismissed'
  | 'peace'
  /** The writer asked for another text and there was none. */
  | 'no-other'
  /** A suggestion was requested and no text has come yet. */
  | 'waiting';

/** What the caller of the controller must do, in order. */
export type Effect =
  | { do: 'send'; message: DocumentMessage }
  /** Show this and nothing else at the caret. */
  | { do: 'paint'; ghost: Ghost | null }
  /** Announce this to a screen reader, politely. */
  | { do: 'announce'; text: string }
  /** Call `tick` at this time instead of any time named before; `Infinity` sets no timer. */
  | { do: 'wake'; at: number }
  /** The reason why nothing is shown changed; null: something is shown. */
  | { do: 'silence'; reason: Silence | null };
