/** Opens and closes the panel. A wide window remembers its state; in a narrow window it starts closed. */

import { Choice } from './keep.js';

const choice = new Choice('panel');
/** Matches when the panel lies over the sheet instead of beside it; the same as in the styles. */
const narrow = matchMedia('(max-width: 60rem)');

export class Fold {
  readonly #button: HTMLButtonElement;
  readonly #panel: HTMLElement;

  /** `back` moves the focus when the writer leaves the panel with Escape. */
  constructor(button: HTMLButtonElement, panel: HTMLElement, back: () => void) {
    this.#button = button;
    this.#panel = panel;
    button.addEventListener('click', () => this.#toggle());
    panel.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape') return;
      if (narrow.matches) this.open(false);
      back();
    });
    narrow.addEventListener('change', () => this.#begin());
    this.#begin();
  }

  get isOpen(): boolean {
    return !this.#panel.hidden;
  }

  open(open: boolean): void {
    this.#panel.hidden = !open;
    this.#button.setAttribute('aria-expanded', String(open));
  }

  #toggle(): void {
    this.open(!this.isOpen);
    if (!narrow.matches) choice.value = this.isOpen ? undefined : 'folded';
  }

  #begin(): void {
    this.open(!narrow.matches && choice.value !== 'folded');
  }
}
