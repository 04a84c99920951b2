/**
 * Paints ghost text over a text field.
 *
 * A transparent copy of the field lies over it, with the ghost text at the caret. When text follows the caret, the copy
 * shows all the text, moved along, and the field hides its own.
 */

import type { Ghost } from '../core/events.js';
import { addStyles, ghostElement, hideText, INK } from '../dom/index.js';

export type TextField = HTMLTextAreaElement | HTMLInputElement;

/** The styles that decide the place of each letter of a field. */
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

export class FieldOverlay {
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
    // The copy gets the field's computed colours, which are the forced ones where colours are forced.
    this.#copy.style.setProperty('forced-color-adjust', 'none');
    this.#before = page.createElement('span');
    this.#ghost = ghostElement(page, accept);
    this.#after = page.createElement('span');
    // Lets a line break after the caret as in the field, whatever follows.
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
    // Text that follows the caret moves along, so the copy shows it and the field hides its own.
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
      // Without border and scroll bar.
      width: `${field.clientWidth}px`,
      height: `${field.clientHeight}px`,
      whiteSpace: oneLine ? 'pre' : 'pre-wrap',
      color: look.color,
    });
    // Offsets are rounded to whole pixels; correct by the exact positions.
    const [actual, wanted] = [this.#copy.getBoundingClientRect(), field.getBoundingClientRect()];
    style.left = `${field.offsetLeft + wanted.left - actual.left + 2 * field.clientLeft}px`;
    style.top = `${field.offsetTop + wanted.top - actual.top + 2 * field.clientTop}px`;
    if (oneLine && inner > 0) style.lineHeight = `${inner}px`;
    this.scroll();
  }
}
