/**
 * Ghost text for `<textarea>` and one-line `<input>` elements.
 *
 * The element's value never holds ghost text. A copy of the element without ink lies upon it, with the ghost text at
 * the caret; where text follows the caret, the copy shows that text moved along while the element hides its own.
 */

import type { Afterword, GhostDocument } from './afterword.js';
import { addStyles, announce, ghostElement, hideText, INK, type BindingOptions } from './dom.js';
import { commandOf } from './keymap.js';
import type { Change, Command, Ghost, GhostOptions } from './vocabulary.js';

export type TextField = HTMLTextAreaElement | HTMLInputElement;
export type TextareaOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one field. */
export interface TextareaGhost {
  readonly document: GhostDocument;
  /** Does what a key would: true when there was something to do it to. */
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
  // A program that changes the value says so without a kind, and perhaps far from the caret.
  return inputType.startsWith('insert') ? 'type' : 'remote';
}

/** Gives a field ghost text. */
export function attach(field: TextField, afterword: Afterword, options: TextareaOptions = {}): TextareaGhost {
  const page = field.ownerDocument;
  const { keymap, announcement = String, ...ghostOptions } = options;
  const overlay = new Overlay(field, () => run('accept'));
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
  /** The text is changing under the ghost text, which is placed again when that is over. */
  let busy = false;

  const settled = (): void => {
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
    settled();
  };

  const run = (command: Command): boolean => {
    busy = true;
    const text = ghost.command(command);
    if (text) insert(field, text);
    settled();
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

/** Inserts text at the caret as one step of the field's own history. */
function insert(field: TextField, text: string): void {
  const page = field.ownerDocument;
  const at = field.selectionEnd ?? field.value.length;
  field.focus();
  // Browsers join what is inserted with what was typed before it, unless the caret was elsewhere in between.
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

/** What decides where each letter of a field stands. */
const COPIED = [
  'font',
  'letterSpacing',
  'wordSpacing',
  'lineHeight',
  'textAlign',
  'textIndent',
  'textTransform',
  'textRendering',
  'direction',
  'tabSize',
  'wordBreak',
  'overflowWrap',
  'hyphens',
  'paddingTop',
  'paddingBottom',
  'paddingLeft',
  'paddingRight',
] as const;

/** The copy that lies upon a field while there is something to show. */
class Overlay {
  readonly #field: TextField;
  readonly #copy: HTMLElement;
  readonly #ghost: HTMLElement;
  readonly #before: HTMLElement;
  readonly #after: HTMLElement;
  readonly #resized: ResizeObserver | null;

  constructor(field: TextField, accept: () => void) {
    const page = field.ownerDocument;
    this.#field = field;
    this.#copy = page.createElement('div');
    this.#copy.className = 'afterword-overlay';
    this.#copy.setAttribute('aria-hidden', 'true');
    // It has the colours of the field, forced or not.
    this.#copy.style.setProperty('forced-color-adjust', 'none');
    this.#before = page.createElement('span');
    this.#ghost = ghostElement(page, accept);
    this.#after = page.createElement('span');
    // The text before the caret breaks its lines as it does in the field, whatever comes next.
    this.#copy.append(this.#before, page.createElement('wbr'), this.#ghost, this.#after);
    this.#resized = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.#place());
  }

  paint(ghost: Ghost | null): void {
    const field = this.#field;
    if (!ghost) {
      this.remove();
      return;
    }
    const { value } = field;
    const at = field.selectionEnd ?? value.length;
    this.#before.textContent = value.slice(0, at);
    this.#ghost.textContent = ghost.text;
    this.#after.textContent = value.slice(at);
    if (!this.#copy.isConnected) {
      addStyles(field);
      field.after(this.#copy);
      this.#resized?.observe(field);
    }
    const moved = /^[^\n]/.test(value.slice(at));
    for (const part of [this.#before, this.#after]) part.style.setProperty(INK, moved ? 'currentcolor' : 'transparent');
    // Text that follows the caret is shown moved along here.
    hideText(field, moved);
    this.#place();
  }

  scroll(): void {
    this.#copy.scrollTop = this.#field.scrollTop;
    this.#copy.scrollLeft = this.#field.scrollLeft;
  }

  remove(): void {
    this.#copy.remove();
    this.#resized?.disconnect();
    hideText(this.#field, false);
  }

  #place(): void {
    const field = this.#field;
    const { style } = this.#copy;
    const look = getComputedStyle(field);
    for (const name of COPIED) style[name] = look[name];
    const oneLine = field.tagName === 'INPUT';
    const inner = field.clientHeight - parseFloat(look.paddingTop) - parseFloat(look.paddingBottom);
    Object.assign(style, {
      position: 'absolute',
      boxSizing: 'border-box',
      overflow: 'hidden',
      pointerEvents: 'none',
      background: 'none',
      zIndex: 'auto',
      left: `${field.offsetLeft + field.clientLeft}px`,
      top: `${field.offsetTop + field.clientTop}px`,
      // The scroll bar takes its place from the text, so the copy is as large as what is inside the border.
      width: `${field.clientWidth}px`,
      height: `${field.clientHeight}px`,
      whiteSpace: oneLine ? 'pre' : 'pre-wrap',
      color: look.color,
    });
    // Offsets are whole numbers, and a page lays out in fractions.
    const [is, ought] = [this.#copy.getBoundingClientRect(), field.getBoundingClientRect()];
    style.left = `${field.offsetLeft + ought.left - is.left + 2 * field.clientLeft}px`;
    style.top = `${field.offsetTop + ought.top - is.top + 2 * field.clientTop}px`;
    if (oneLine && inner > 0) style.lineHeight = `${inner}px`;
    this.scroll();
  }
}
