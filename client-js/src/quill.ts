/**
 * Ghost text for Quill 2: `attach(quill, afterword)`.
 *
 * Painted over the editor, so never in its contents, history or clipboard.
 */

import type Quill from 'quill';
import type { Afterword, GhostDocument } from './afterword.js';
import { announce, commandOf, type BindingOptions } from './dom.js';
import { Overlay } from './overlay.js';
import { DEFAULTS, type Change, type Command, type GhostOptions } from './vocabulary.js';

export type QuillOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one editor. */
export interface QuillGhost {
  readonly document: GhostDocument;
  /** Does what a key would: true when there was something to do it to. */
  run(command: Command): boolean;
  detach(): void;
}

/** After the end of a composition Quill takes a moment to read what came of it. */
const COMPOSED_MS = 30;
/** Formats that name a kind of block. */
const BLOCKS = ['header', 'list', 'code-block', 'blockquote'];

/** What is needed of Quill's Delta. */
interface Delta {
  ops: { insert?: unknown; delete?: number; retain?: unknown }[];
}

/** Gives an editor ghost text. */
export function attach(quill: Quill, afterword: Afterword, options: QuillOptions = {}): QuillGhost {
  const { root } = quill;
  const page = root.ownerDocument;
  const { announcement = String, keymap } = options;
  const { reachBefore, reachAfter } = { ...DEFAULTS, ...options };
  const overlay = new Overlay(root, () => run('accept'));
  let composing = false;
  /** The text is changing under the ghost text, which is placed again when that is over. */
  let busy = false;
  let pasted = false;
  /** Text and caret change one after the other, and are told together. */
  let inserting = false;
  /** Where the caret was last. */
  let at = 0;

  const settle = (): void => {
    busy = false;
    overlay.paint(ghost.ghost?.text ?? null);
  };
  const ghost = afterword.document(
    {
      paint: () => {
        if (!busy) settle();
      },
      announce: (text) => announce(page, announcement(text)),
    },
    options,
  );

  const read = (from: number, length: number): string =>
    (quill.getContents(from, length) as Delta).ops
      .map(({ insert }) => (typeof insert === 'string' ? insert : '\ufffc'))
      .join('');

  const tell = (change: Change): void => {
    busy = true;
    const selection = quill.hasFocus() ? quill.getSelection() : null;
    at = selection?.index ?? at;
    const from = Math.max(0, at - reachBefore);
    const format = selection && !composing ? quill.getFormat(selection) : {};
    ghost.update({
      change,
      before: composing ? '' : read(from, at - from),
      // The last line feed belongs to Quill.
      after: composing ? '' : read(at, Math.min(reachAfter, Math.max(0, quill.getLength() - 1 - at))),
      selectionEmpty: selection?.length === 0,
      focused: selection !== null && quill.isEnabled(),
      composing,
      block: BLOCKS.find((name) => format[name]) ?? 'paragraph',
      language: options.language ?? root.closest<HTMLElement>('[lang]')?.lang,
    });
    settle();
  };

  const changed = (delta: Delta, source: string): Change => {
    if (quill.history.ignoreChange) return 'undo';
    if (source !== 'user') return touches(delta, at) ? 'set' : 'remote';
    if (pasted) return 'paste';
    return delta.ops.some(({ insert }) => insert !== undefined) ? 'type' : 'delete';
  };

  const run = (command: Command): boolean => {
    busy = true;
    const text = ghost.command(command);
    if (text) {
      inserting = true;
      const { index } = quill.getSelection(true);
      quill.history.cutoff();
      quill.insertText(index, text, quill.getFormat(), 'user');
      quill.setSelection(index + text.length, 0, 'user');
      quill.history.cutoff();
      inserting = false;
      tell('paste');
    }
    settle();
    return text !== null;
  };

  const onChange = (name: string, ...[delta, , source]: unknown[]): void => {
    if (inserting) return;
    if (name === 'text-change') {
      tell(changed(delta as Delta, source as string));
      pasted = false;
    }
    // Quill moves the caret along with a change of the text before it tells of that, and must not seem to have done
    // nothing else.
    else if (source === 'silent') queueMicrotask(() => tell('caret'));
    else if (!busy) tell('caret'); // else it is said in the middle of what is being told
  };
  const listeners: Record<string, (event: never) => void> = {
    keydown(event: KeyboardEvent) {
      const command = commandOf(event, keymap, getComputedStyle(root).direction === 'rtl');
      if (command && run(command)) event.preventDefault(); // and Quill leaves it alone
    },
    compositionstart() {
      composing = true;
      tell('type');
    },
    compositionend() {
      setTimeout(() => {
        composing = false;
        tell('type');
      }, COMPOSED_MS);
    },
    paste: () => (pasted = true),
    // The selection stays where it is when the focus goes, and Quill has nothing to tell.
    focus: () => tell('caret'),
    blur: () => tell('caret'),
  };
  for (const [name, listener] of Object.entries(listeners))
    root.addEventListener(name, listener as EventListener, true);
  quill.on('editor-change', onChange);
  tell('set');

  return {
    document: ghost,
    run,
    detach() {
      for (const [name, listener] of Object.entries(listeners))
        root.removeEventListener(name, listener as EventListener, true);
      quill.off('editor-change', onChange);
      ghost.close();
      overlay.remove();
    },
  };
}

/** Whether a change reaches the caret. */
function touches({ ops }: Delta, caret: number): boolean {
  let at = 0;
  return ops.some(({ retain, delete: removed = 0, insert }) => {
    if (typeof retain === 'number') at += retain;
    const from = at;
    at += removed;
    return (insert !== undefined || removed > 0) && from <= caret && caret <= at;
  });
}
