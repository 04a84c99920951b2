/** Light or dark: follows the system until the writer chooses. */

import { Choice } from './keep.js';

const choice = new Choice('theme');
const system = matchMedia('(prefers-color-scheme: dark)');

const isDark = (): boolean => (choice.value === undefined ? system.matches : choice.value === 'dark');

/** Makes a button switch the theme. Choosing the theme of the system follows the system again. */
export function connectTheme(button: HTMLButtonElement): void {
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
