/** Light or dark: as the system has it, until the writer wants it otherwise. */

import { Choice } from './keep.js';

const choice = new Choice('theme');
const system = matchMedia('(prefers-color-scheme: dark)');

const isDark = (): boolean => (choice.value === undefined ? system.matches : choice.value === 'dark');

/** Lets a button switch. Choosing what the system has goes back to following it. */
export function dress(button: HTMLButtonElement): void {
  const show = (): void => {
    document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
    button.setAttribute('aria-pressed', String(isDark()));
  };
  button.addEventListener('click', () => {
    const dark = !isDark();
    choice.value = dark === system.matches ? undefined : dark ? 'dark' : 'light';
    show();
  });
  system.addEventListener('change', show);
  show();
}
