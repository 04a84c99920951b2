/**
 * The words that the ghost-text controller and a binding say to each other.
 *
 * A binding tells what happened in its editor (`Update`, `Command`), and gets back what to do (`Effect`). Nothing
 * here acts.
 */

import type { DocumentMessage, Reason, Stop } from './protocol.js';

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
  /** Whether the selection is a mere caret. */
  selectionEmpty: boolean;
  focused: boolean;
  /** Whether an input method is composing. Its provisional text is never looked at, let alone sent. */
  composing?: boolean;
  /** Kind of block that holds the caret, by a name the application chooses (`paragraph`, `heading`, `code`, …). */
  block?: string | undefined;
  /** BCP 47 tag of the language at the caret; else that of the options. */
  language?: string | undefined;
}

/** What a writer can tell ghost text to do. */
export type Command =
  'accept' | 'acceptWord' | 'acceptPhrase' | 'acceptSentence' | 'next' | 'previous' | 'extend' | 'dismiss' | 'ask';

/** Ghost text as it stands at the caret. */
export interface Ghost {
  /** What to paint right after the caret. May hold line feeds. Never empty. */
  text: string;
  /** Which of `choices` texts this is, from 0, and how many there are. */
  choice: number;
  choices: number;
  /** Whether the text is whole; else more may be added at its end. */
  complete: boolean;
}

/** Why there is no ghost text: the server's reason, or one of the client's own. */
export type Silence =
  | Reason
  /** Ghost text is switched off, or off in this kind of block. */
  | 'off'
  | 'block'
  /** No server just now. */
  | 'offline'
  /** The editor has no focus, has a selection, or is composing. */
  | 'blur'
  | 'selection'
  | 'composing'
  /** Nothing is asked after these changes. */
  | 'deleted'
  | 'undone'
  | 'moved'
  | 'remote'
  /** There is nothing before the caret to go on from. */
  | 'start'
  /** The writer waved it away, and is left in peace for a while. */
  | 'dismissed'
  | 'peace'
  /** There was no other text to offer. */
  | 'no-other'
  /** Asked, and no answer yet. */
  | 'waiting';

/** What the holder of a controller is to do, in order. */
export type Effect =
  | { do: 'send'; message: DocumentMessage }
  /** Show this and only this at the caret. */
  | { do: 'paint'; ghost: Ghost | null }
  /** Say this to a screen reader, politely. */
  | { do: 'announce'; text: string }
  /** Call `tick` at this time, instead of any time named before; `Infinity`: at none. */
  | { do: 'wake'; at: number }
  /** The reason why nothing is shown changed; null: something is shown. */
  | { do: 'silence'; reason: Silence | null };

/** How to ask. */
export interface AskOptions {
  alternatives: number;
  maxTokens: number;
  stop: Stop;
  /** 0: show everything; nearer to 1: only what the model is sure of. */
  quiet: number;
  temperature: number;
  seed: number | undefined;
  maxTimeMs: number | undefined;
}

export interface GhostOptions extends AskOptions {
  enabled: boolean;
  /** Kinds of blocks that differ: `false` for no ghost text there and no text sent, or other ways to ask. */
  blocks: Readonly<Record<string, false | Partial<AskOptions>>>;
  /** Time from keystroke to asking: adapted to server and writer, or always the same (0 asks at once, Infinity only by command). */
  debounceMs: number | 'auto';
  /** Alternatives to ask for when the writer wants to see others and only one was asked for. */
  moreAlternatives: number;
  /** Pause in ms after which ghost text is announced to screen readers, once; 0: never. */
  announceMs: number;
  /** Ghost text ends at a line break (fields of one line). */
  singleLine: boolean;
  language: string | undefined;
  /** Text for the model to see ahead of the document: title, glossary, style. */
  preface: string;
  /** Units of text around the caret that the server is told. */
  reachBefore: number;
  reachAfter: number;
}

/** As in the protocol: a question need not say what is usual. */
export const USUAL: AskOptions = {
  alternatives: 1,
  maxTokens: 24,
  stop: 'sentence',
  quiet: 0,
  temperature: 0,
  seed: undefined,
  maxTimeMs: undefined,
};

export const DEFAULTS: GhostOptions = {
  ...USUAL,
  enabled: true,
  blocks: {},
  debounceMs: 'auto',
  moreAlternatives: 3,
  announceMs: 1000,
  singleLine: false,
  language: undefined,
  preface: '',
  reachBefore: 4096,
  reachAfter: 1024,
};
