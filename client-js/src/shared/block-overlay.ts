/**
 * Ghost text over an editor, for editors such as Quill and Lexical that treat any element inside them as content.
 *
 * A copy of the block at the caret lies over the block. Its text is transparent except for the ghost text, so that lines
 * break as if the ghost text were in the block. When text follows the caret, the copy shows all the text and the block
 * hides its own. When the copy needs more lines, the block's margin grows. Nothing is added to the editor.
 */

import { addStyles, ghostElement, hideText, INK } from '../dom/index.js';

/** The styles that decide the place of each letter, of the block and of the elements in it. */
const OF_TEXT = [
  'font',
  'color',
  'letterSpacing',
  'wordSpacing',
  'textTransform',
  'verticalAlign',
  'whiteSpace',
] as const;
const OF_BLOCK = [
  ...OF_TEXT,
  'lineHeight',
  'textAlign',
  'textIndent',
  'direction',
  'tabSize',
  'wordBreak',
  'overflowWrap',
  'padding',
] as const;

export class BlockOverlay {
  readonly #root: HTMLElement;
  /** Clips the copy to the editor. */
  readonly #frame: HTMLElement;
  readonly #copy: HTMLElement;
  readonly #ghost: HTMLElement;
  readonly #resized = new ResizeObserver(() => this.#place());
  readonly #scrolled = (): void => this.#place();
  #block: HTMLElement | null = null;

  /** `root` is the element with the editor's blocks; `accept` is called when the ghost text is tapped. */
  constructor(root: HTMLElement, accept: () => void) {
    const page = root.ownerDocument;
    this.#root = root;
    this.#frame = page.createElement('div');
    this.#frame.setAttribute('aria-hidden', 'true');
    this.#copy = page.createElement('div');
    // The copy gets the block's computed colours, which are the forced ones where colours are forced.
    this.#frame.style.setProperty('forced-color-adjust', 'none');
    this.#ghost = ghostElement(page, accept);
    this.#frame.append(this.#copy);
    addStyles(root);
  }

  /** Shows text at the caret of the document's selection, or nothing. */
  paint(text: string | null): void {
    this.#restore();
    const selection = this.#root.ownerDocument.getSelection();
    const block = text !== null && selection?.rangeCount ? this.#blockOf(selection.anchorNode) : null;
    if (!text || !selection || !block) {
      this.remove();
      return;
    }
    const caret = selection.getRangeAt(0);
    const part = (edge: 'setStart' | 'setEnd'): DocumentFragment => {
      const range = caret.cloneRange();
      range.selectNodeContents(block);
      range[edge](caret.startContainer, caret.startOffset);
      return range.cloneContents();
    };
    // The caret splits the elements around it in two; both halves get the styles of the whole.
    const [before, after] = [part('setEnd'), part('setStart')];
    const styles = [...block.querySelectorAll<HTMLElement>('*')];
    copyStyles(before, styles);
    copyStyles(after, styles.slice(styles.length - after.querySelectorAll('*').length));
    const moved = after.textContent !== '';
    this.#ghost.textContent = text;
    this.#copy.replaceChildren(wrap(before, moved), this.#ghost, wrap(after, moved));
    this.#block = block;
    hideText(block, moved);
    if (!this.#frame.isConnected) {
      this.#root.after(this.#frame);
      this.#resized.observe(this.#root);
      this.#root.addEventListener('scroll', this.#scrolled);
    }
    this.#place();
  }

  remove(): void {
    this.#restore();
    this.#frame.remove();
    this.#resized.disconnect();
    this.#root.removeEventListener('scroll', this.#scrolled);
  }

  #restore(): void {
    if (!this.#block) return;
    hideText(this.#block, false);
    this.#block.style.removeProperty('margin-bottom');
    this.#block = null;
  }

  #blockOf(node: Node | null): HTMLElement | null {
    let at = node instanceof HTMLElement ? node : (node?.parentElement ?? null);
    if (!at || !this.#root.contains(at)) return null;
    while (at !== this.#root && getComputedStyle(at).display.startsWith('inline') && at.parentElement)
      at = at.parentElement;
    return at;
  }

  #place(): void {
    const [root, block] = [this.#root, this.#block];
    if (!block) return;
    const look = getComputedStyle(block);
    const { style } = this.#copy;
    for (const name of OF_BLOCK) style[name] = look[name];
    block.style.removeProperty('margin-bottom');
    put(this.#frame, root.offsetLeft + root.clientLeft, root.offsetTop + root.clientTop, root.clientWidth);
    const [outside, inside] = [this.#frame.getBoundingClientRect(), block.getBoundingClientRect()];
    const borders = block.offsetWidth - block.clientWidth;
    const [left, top] = [inside.left - outside.left, inside.top - outside.top];
    put(this.#copy, left + block.clientLeft, top + block.clientTop, inside.width - borders);
    const more = this.#copy.getBoundingClientRect().height - inside.height;
    if (more > 1 && block !== root) block.style.marginBottom = `${parseFloat(look.marginBottom) + more}px`;
    // The margin may have made the editor grow.
    this.#frame.style.height = `${root.clientHeight}px`;
  }
}

function put({ style }: HTMLElement, left: number, top: number, width: number): void {
  Object.assign(style, {
    position: 'absolute',
    boxSizing: 'border-box',
    overflow: 'hidden',
    pointerEvents: 'none',
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
  });
}

function wrap(content: DocumentFragment, seen: boolean): HTMLElement {
  const span = document.createElement('span');
  span.style.setProperty(INK, seen ? 'currentcolor' : 'transparent');
  span.append(content);
  return span;
}

/** Gives copies the computed styles of their originals, as the editor's style sheet may not apply outside of it. */
function copyStyles(content: DocumentFragment, originals: HTMLElement[]): void {
  content.querySelectorAll<HTMLElement>('*').forEach((element, at) => {
    const original = originals[at];
    if (!original) return;
    const look = getComputedStyle(original);
    for (const name of OF_TEXT) element.style[name] = look[name];
  });
}
