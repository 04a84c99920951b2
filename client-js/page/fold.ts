/** Folding the panel away. Beside the sheet it stays as it was left; on a narrow window it begins folded. */

import { Choice } from './keep.js';

const choice = new Choice('panel');
/** Where the panel lies over the sheet instead of beside it; as in the styles. */
const narrow = matchMedia('(max-width: 60rem)');

export class Fold {
  readonly #button: HTMLButtonElement;
  readonly #panel: HTMLElement;

  /** `back` brings the focus to where it is to go when the panel is left by Escape. */
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
