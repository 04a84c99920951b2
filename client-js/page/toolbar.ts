/**
 * The toolbar above the sheet. It is one tab stop; arrow keys move between the buttons, as in the toolbar pattern of the
 * ARIA Authoring Practices Guide, and Escape returns to the text.
 */

import type { ChainedCommands, Editor } from '@tiptap/core';
import type { Level } from '@tiptap/extension-heading';
import { MAC } from './page.js';
import { keyName } from './words.js';

/** The action of each button, by its `data-do`. Buttons named like a mark or node show whether it is active. */
const ACTIONS: Readonly<Record<string, (chain: ChainedCommands) => ChainedCommands>> = {
  bold: (chain) => chain.toggleBold(),
  italic: (chain) => chain.toggleItalic(),
  underline: (chain) => chain.toggleUnderline(),
  strike: (chain) => chain.toggleStrike(),
  bulletList: (chain) => chain.toggleBulletList(),
  orderedList: (chain) => chain.toggleOrderedList(),
  blockquote: (chain) => chain.toggleBlockquote(),
  undo: (chain) => chain.undo(),
  redo: (chain) => chain.redo(),
};
const ONCE: ReadonlySet<string> = new Set(['undo', 'redo']);

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

export class Toolbar {
  readonly #editor: Editor;
  readonly #style: HTMLSelectElement;
  readonly #buttons: HTMLButtonElement[];
  readonly #stops: HTMLElement[];

  constructor(element: HTMLElement, editor: Editor) {
    const style = element.querySelector('select');
    if (!style) throw new Error('the toolbar has no list of styles');
    this.#editor = editor;
    this.#style = style;
    this.#buttons = [...element.querySelectorAll('button')];
    this.#stops = [style, ...this.#buttons];
    let pointed = false;
    style.addEventListener('pointerdown', () => (pointed = true));
    style.addEventListener('keydown', () => (pointed = false));
    // With the keyboard, each arrow key selects a style; the focus must stay in the list.
    style.addEventListener('change', () => this.#restyle(Number(style.value), pointed));
    for (const button of this.#buttons) this.#equip(button);
    this.#stopAt(style);
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('focusin', ({ target }) => this.#stopAt(target as HTMLElement));
    editor.on('transaction', () => this.#show());
    this.#show();
  }

  /** Focuses the button that had the focus last. */
  focus(): void {
    this.#stops.find(({ tabIndex }) => tabIndex === 0)?.focus();
  }

  #equip(button: HTMLButtonElement): void {
    const { do: name = '', key } = button.dataset;
    const action = ACTIONS[name];
    if (!action) throw new Error(`there is no action ${name}`);
    if (key) button.title = `${button.ariaLabel ?? ''} (${keyName(key, MAC)})`;
    button.addEventListener('mousedown', (event) => event.preventDefault()); // keeps the focus in the text
    button.addEventListener('click', () => {
      const keyboard = document.activeElement === button;
      const chain = action(this.#editor.chain());
      if (keyboard) chain.run();
      else chain.focus().run();
    });
  }

  #restyle(level: number, focus: boolean): void {
    const chain = this.#editor.chain();
    if (level > 0) chain.setHeading({ level: level as Level });
    else chain.setParagraph();
    if (focus) chain.focus();
    chain.run();
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#editor.view.focus();
    const step = STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const shown = this.#stops.filter((stop) => stop.offsetParent !== null);
    const from = shown.indexOf(document.activeElement as HTMLElement);
    const to = Number.isFinite(step) ? (from + step + shown.length) % shown.length : step < 0 ? 0 : shown.length - 1;
    shown[to]?.focus();
  }

  #stopAt(stop: HTMLElement): void {
    for (const each of this.#stops) each.tabIndex = each === stop ? 0 : -1;
  }

  /** Shows the style and marks at the caret. */
  #show(): void {
    const editor = this.#editor;
    const { level = 0 } = editor.isActive('heading') ? editor.getAttributes('heading') : {};
    this.#style.value = String(level);
    for (const button of this.#buttons) {
      const { do: name = '' } = button.dataset;
      if (ONCE.has(name)) button.ariaDisabled = String(!ACTIONS[name]?.(editor.can().chain()).run());
      else button.ariaPressed = String(editor.isActive(name));
    }
  }
}
