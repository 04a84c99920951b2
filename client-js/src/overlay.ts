/**
 * Ghost text over an editor that would take a foreign element inside for content, such as Quill or Lexical.
 *
 * A copy of the block at the caret lies upon that block, without ink but for the ghost text, so that lines break as if
 * the ghost text stood in them. Where text follows the caret, the copy shows all of it while the block hides its own. Where the copy needs more lines, what comes after the block makes room. Nothing is put into the editor.
 */

import { addStyles, ghostElement, hideText, INK } from './dom.js';

/** What decides where a letter stands; of the block, and of each element in it. */
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

export class Overlay {
  readonly #root: HTMLElement;
  /** Cuts the copy off where the editor is cut off. */
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
    // It has the colours of the block, forced or not.
    this.#frame.style.setProperty('forced-color-adjust', 'none');
    this.#ghost = ghostElement(page, accept);
    this.#frame.append(this.#copy);
    addStyles(root);
  }

  /** Shows text at the caret of the page's selection, or nothing. */
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
    // The caret splits the elements around it in two, each half with the looks of the whole.
    const [before, after] = [part('setEnd'), part('setStart')];
    const looks = [...block.querySelectorAll<HTMLElement>('*')];
    dress(before, looks);
    dress(after, looks.slice(looks.length - after.querySelectorAll('*').length));
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
    // Which may have made the editor grow.
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

/** Outside of the editor its style sheet may not hold, so copies get the looks of their originals. */
function dress(content: DocumentFragment, originals: HTMLElement[]): void {
  content.querySelectorAll<HTMLElement>('*').forEach((element, at) => {
    const original = originals[at];
    if (!original) return;
    const look = getComputedStyle(original);
    for (const name of OF_TEXT) element.style[name] = look[name];
  });
}
