/** What all example pages share, and what the tests use of them. */

import type { Afterword, GhostDocument } from 'afterword';

/** An example as tests see it, at `window.example`. */
export interface Example {
  afterword: Afterword;
  ghost: GhostDocument;
  /** The element that has the focus while the writer types. */
  editable: HTMLElement;
  /** The document, blocks a line feed apart; never ghost text. */
  text(): string;
  /** Replaces the document, as an application does that loads another, with the caret at its end. */
  set(text: string): void;
  /** Inserts text at the beginning, as a program might add a title. The caret moves with its text. */
  prepend(text: string): void;
}

declare global {
  interface Window {
    example: Example;
  }
}

const asked = new URLSearchParams(location.search);

/** Where the server is: `?server=`, or where `make serve` puts it. */
export const url = asked.get('server') ?? 'ws://127.0.0.1:8765/v1';

/** Options of ghost text: `?options=` as JSON. */
export const options = JSON.parse(asked.get('options') ?? '{}') as object;

/** Sets direction and language of the text: `?dir=rtl&lang=ar`. */
export function setDirection(editable: HTMLElement): void {
  editable.dir = asked.get('dir') ?? 'auto';
  editable.lang = asked.get('lang') ?? 'en';
}
