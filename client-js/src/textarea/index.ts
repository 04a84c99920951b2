/**
 * Ghost text for `<textarea>` and one-line `<input>` elements.
 *
 * The element's value never contains ghost text; see `overlay.ts` for how it is painted.
 */

import type { Afterword, GhostDocument } from '../core/afterword.js';
import { announce, type BindingOptions } from '../dom/index.js';
import { commandOf } from '../dom/keymap.js';
import type { Change, Command } from '../core/events.js';
import type { GhostOptions } from '../core/options.js';
import { FieldOverlay, type TextField } from './overlay.js';

export type { TextField } from './overlay.js';

export type TextareaOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one field. */
export interface TextareaGhost {
  readonly document: GhostDocument;
  /** Runs a command as its key would. False when it did not apply. */
  run(command: Command): boolean;
  detach(): void;
}

const CHANGES: Record<string, Change> = { historyUndo: 'undo', historyRedo: 'redo', insertReplacementText: 'paste' };

/** What made the value change, by the `inputType` of the event. */
function changeOf(event: Event): Change {
  const { inputType = '' } = event as Partial<InputEvent>;
  const known = CHANGES[inputType];
  if (known) return known;
  if (inputType.startsWith('delete')) return 'delete';
  if (inputType.startsWith('insertFrom')) return inputType === 'insertFromComposition' ? 'type' : 'paste';
  // A program that changes the value dispatches an event without a type; the change may be anywhere.
  return inputType.startsWith('insert') ? 'type' : 'remote';
}

/** Gives a field ghost text. */
export function attach(field: TextField, afterword: Afterword, options: TextareaOptions = {}): TextareaGhost {
  const page = field.ownerDocument;
  const { keymap, announcement = String, ...ghostOptions } = options;
  const overlay = new FieldOverlay(field, () => run('accept'));
  const ghost = afterword.document(
    {
      paint: () => {
        if (!busy) overlay.paint(ghost.ghost);
      },
      announce: (text) => announce(page, announcement(text)),
    },
    { language: field.lang || undefined, singleLine: field.tagName === 'INPUT', ...ghostOptions },
  );
  let composing = false;
  /** A change is being made; the ghost text is painted when it is complete. */
  let busy = false;

  const settle = (): void => {
    busy = false;
    overlay.paint(ghost.ghost);
  };

  const update = (change: Change): void => {
    const { value, selectionStart, selectionEnd } = field;
    const start = selectionStart ?? value.length;
    busy = true;
    ghost.update({
      change,
      before: value.slice(0, start),
      after: value.slice(selectionEnd ?? value.length),
      selectionEmpty: start === selectionEnd,
      focused: page.activeElement === field && !field.readOnly && !field.disabled,
      composing,
    });
    settle();
  };

  const run = (command: Command): boolean => {
    busy = true;
    const text = ghost.command(command);
    if (text) insert(field, text);
    settle();
    return text !== null;
  };

  const listeners: Record<string, (event: never) => void> = {
    input: (event: Event) => update(composing ? 'type' : changeOf(event)),
    focus: () => update('caret'),
    blur: () => update('caret'),
    compositionstart: () => {
      composing = true;
      update('type');
    },
    compositionend: () => {
      composing = false;
      update('type');
    },
    keydown: (event: KeyboardEvent) => {
      const command = commandOf(event, keymap, getComputedStyle(field).direction === 'rtl');
      if (command && run(command)) event.preventDefault();
    },
    scroll: () => overlay.scroll(),
  };
  const onSelection = (): void => {
    if (page.activeElement === field) update('caret');
  };
  for (const [name, listener] of Object.entries(listeners)) field.addEventListener(name, listener as EventListener);
  page.addEventListener('selectionchange', onSelection);
  update('set');

  return {
    document: ghost,
    run,
    detach() {
      for (const [name, listener] of Object.entries(listeners))
        field.removeEventListener(name, listener as EventListener);
      page.removeEventListener('selectionchange', onSelection);
      ghost.close();
      overlay.remove();
    },
  };
}

/** Inserts text at the caret as one step of the field's own undo history. */
function insert(field: TextField, text: string): void {
  const page = field.ownerDocument;
  const at = field.selectionEnd ?? field.value.length;
  field.focus();
  // Browsers merge the insertion with typing before it into one undo step, unless the caret was elsewhere in between.
  if (at > 0) {
    field.setSelectionRange(0, 0);
    field.setSelectionRange(at, at);
  }
  // Deprecated, and still the only way into the history of a field.
  // eslint-disable-next-line @typescript-eslint/no-deprecated, @typescript-eslint/no-unnecessary-condition
  if (page.execCommand?.('insertText', false, text)) return;
  field.setRangeText(text, at, at, 'end');
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: text }));
}
