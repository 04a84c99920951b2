/**
 * Ghost text for Quill 2: `attach(quill, afterword)`.
 *
 * It is painted over the editor, so it is never in its contents, history or clipboard.
 */

import type Quill from 'quill';
import type { Afterword, GhostDocument } from '../core/afterword.js';
import { announce, commandOf, type BindingOptions } from '../dom/index.js';
import { BlockOverlay } from '../shared/block-overlay.js';
import type { Change, Command } from '../core/events.js';
import { DEFAULTS, type GhostOptions } from '../core/options.js';

export type QuillOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one editor. */
export interface QuillGhost {
  readonly document: GhostDocument;
  /** Runs a command as its key would. False when it did not apply. */
  run(command: Command): boolean;
  detach(): void;
}

/** Quill reads the result of a composition within this time after its end. */
const COMPOSED_MS = 30;
/** Formats that are the kind of a block. */
const BLOCKS = ['header', 'list', 'code-block', 'blockquote'];

/** The part of Quill's Delta that is used. */
interface Delta {
  ops: { insert?: unknown; delete?: number; retain?: unknown }[];
}

/** Gives an editor ghost text. */
export function attach(quill: Quill, afterword: Afterword, options: QuillOptions = {}): QuillGhost {
  const { root } = quill;
  const page = root.ownerDocument;
  const { announcement = String, keymap } = options;
  const { reachBefore, reachAfter } = { ...DEFAULTS, ...options };
  const overlay = new BlockOverlay(root, () => run('accept'));
  let composing = false;
  /** A change is being made; the ghost text is painted when it is complete. */
  let busy = false;
  let pasted = false;
  /** Text and caret are being changed one after the other; both are reported together. */
  let inserting = false;
  /** The last position of the caret. */
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

  const report = (change: Change): void => {
    busy = true;
    const selection = quill.hasFocus() ? quill.getSelection() : null;
    at = selection?.index ?? at;
    const from = Math.max(0, at - reachBefore);
    const format = selection && !composing ? quill.getFormat(selection) : {};
    ghost.update({
      change,
      before: composing ? '' : read(from, at - from),
      // Quill ends every document with a line feed.
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
      report('paste');
    }
    settle();
    return text !== null;
  };

  const onChange = (name: string, ...[delta, , source]: unknown[]): void => {
    if (inserting) return;
    if (name === 'text-change') {
      report(changed(delta as Delta, source as string));
      pasted = false;
    }
    // Quill moves the caret before it reports the change of the text that moved it. Report the caret after the text.
    else if (source === 'silent') queueMicrotask(() => report('caret'));
    else if (!busy) report('caret'); // while busy, this is part of a change that is being reported
  };
  const listeners: Record<string, (event: never) => void> = {
    keydown(event: KeyboardEvent) {
      const command = commandOf(event, keymap, getComputedStyle(root).direction === 'rtl');
      if (command && run(command)) event.preventDefault(); // Quill ignores prevented keys
    },
    compositionstart() {
      composing = true;
      report('type');
    },
    compositionend() {
      setTimeout(() => {
        composing = false;
        report('type');
      }, COMPOSED_MS);
    },
    paste: () => (pasted = true),
    // Quill does not report focus and blur, as the selection stays.
    focus: () => report('caret'),
    blur: () => report('caret'),
  };
  for (const [name, listener] of Object.entries(listeners))
    root.addEventListener(name, listener as EventListener, true);
  quill.on('editor-change', onChange);
  report('set');

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
