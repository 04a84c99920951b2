/**
 * What bindings for editors in a page share: the look of ghost text, keys, and announcements to screen readers.
 */

export { commandOf, KEYMAP } from './keymap.js';
export type { Key } from './keymap.js';

import type { Command } from '../core/events.js';

/** Options that every binding for the page takes besides those of ghost text. */
export interface BindingOptions {
  /** Keys and their commands; by default `KEYMAP`. */
  keymap?: Readonly<Record<string, Command>>;
  /** The sentence that a screen reader announces; by default the ghost text alone. */
  announcement?: (text: string) => string;
}

/** The class of every element that shows ghost text. */
export const GHOST_CLASS = 'afterword-ghost';

const HIDDEN = 'data-afterword-hidden';

/**
 * Colours and font style are CSS variables. The default colour has a contrast of 4.5 to 1 on white and on black. With more
 * contrast or forced colours, ghost text has the colour of text and a dotted underline.
 *
 * Hidden text opts out of forced colours, which would paint it, and uses the same system colours by name.
 */
const STYLES = `[${HIDDEN}] { -webkit-text-fill-color: transparent !important }
@media (forced-colors: active) {
[${HIDDEN}] {
forced-color-adjust: none !important;
color: CanvasText !important;
background: Canvas !important;
border-color: CanvasText !important;
}
}
.${GHOST_CLASS} {
color: var(--afterword-color, #767676);
font-style: var(--afterword-font-style, inherit);
background: var(--afterword-background, none);
user-select: none;
-webkit-user-select: none;
white-space: pre-wrap;
@media (prefers-contrast: more) { color: var(--afterword-color, inherit); text-decoration: underline dotted }
@media (forced-colors: active) { color: inherit; text-decoration: underline dotted }
@media (prefers-reduced-motion: no-preference) { animation: afterword-appear var(--afterword-fade, 80ms) }
@media (pointer: coarse) { pointer-events: auto; cursor: pointer }
}
@keyframes afterword-appear { from { opacity: 0 } }`;

const styled = new WeakSet<Document | ShadowRoot>();

/** Adds the styles of ghost text to the document or shadow tree of `node`, once. */
export function addStyles(node: Node): void {
  const root = node.getRootNode() as Document | ShadowRoot;
  if (styled.has(root) || !('adoptedStyleSheets' in root)) return;
  styled.add(root);
  // A content-security policy that forbids inline styles allows constructed style sheets.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** The CSS property of the colour of letters, which does not apply to the caret. @internal */
export const INK = '-webkit-text-fill-color';

/** Hides the text of an element, not its caret, or shows it again. @internal */
export function hideText(element: HTMLElement, hidden: boolean): void {
  element.toggleAttribute(HIDDEN, hidden);
}

const regions = new WeakMap<Document, HTMLElement>();

/** Announces text to a screen reader, politely. */
export function announce(document: Document, text: string): void {
  let region = regions.get(document);
  if (!region?.isConnected) {
    region = document.createElement('div');
    region.setAttribute('role', 'status');
    region.setAttribute('aria-live', 'polite');
    region.style.cssText =
      'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap';
    document.body.append(region);
    regions.set(document, region);
  }
  region.textContent = text;
}

/**
 * An element that shows ghost text. Clipboard, spell checker and screen readers ignore it; `accept` is called when it is
 * tapped.
 */
export function ghostElement(document: Document, accept: () => void): HTMLElement {
  const element = document.createElement('span');
  element.className = GHOST_CLASS;
  element.setAttribute('aria-hidden', 'true');
  element.setAttribute('contenteditable', 'false');
  element.setAttribute('spellcheck', 'false');
  element.setAttribute('translate', 'no');
  element.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse') return;
    event.preventDefault(); // keeps the caret and the focus
    accept();
  });
  return element;
}
