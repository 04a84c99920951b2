/** The server's token: requested only if the server needs one, stored only if the writer wants that. */

import { Choice } from './keep.js';
import { part } from './page.js';

const forNow = new Choice('token', () => sessionStorage);
const forGood = new Choice('token');

/** The token to send, if any. */
export const token = (): string | undefined => forNow.value ?? forGood.value;

/** Calls back when the writer has entered a token. */
export function onToken(form: HTMLFormElement, call: () => void): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const secret = part('secret', HTMLInputElement);
    forNow.value = secret.value;
    forGood.value = part('remember', HTMLInputElement).checked ? secret.value : undefined;
    secret.value = '';
    call();
  });
}
