/**
 * What the browser keeps: the text, and a few choices. Nothing of it goes anywhere else.
 *
 * A browser may refuse to keep things (private windows, a full disk). Then nothing is lost but the keeping, and
 * `text` says so.
 */

import type { JSONContent } from '@tiptap/core';

const PREFIX = 'afterword.';
const TEXT = `${PREFIX}text`;
/** Where a text goes that this version of the page cannot read, instead of being written over. */
const UNREADABLE = `${PREFIX}text.unreadable`;
/** A pause in writing this long is a good moment to keep the text. */
const PAUSE_MS = 250;

/** A choice that outlasts the page; `undefined` where none was made. */
export class Choice {
  readonly #key: string;
  readonly #storage: () => Storage;

  /** `storage` is asked each time, as merely looking for it fails in some browsers. */
  constructor(name: string, storage: () => Storage = () => localStorage) {
    this.#key = PREFIX + name;
    this.#storage = storage;
  }

  get value(): string | undefined {
    try {
      return this.#storage().getItem(this.#key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  set value(value: string | undefined) {
    try {
      if (value === undefined) this.#storage().removeItem(this.#key);
      else this.#storage().setItem(this.#key, value);
    } catch {
      // It holds for as long as the page is open.
    }
  }
}

/** The text, kept a moment after each change, and at once when the page is left. */
export class KeptText {
  readonly #read: () => JSONContent;
  readonly #failed: (failed: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `read` gives the text as it is; `failed` is told whether the browser kept it. */
  constructor(read: () => JSONContent, failed: (failed: boolean) => void) {
    this.#read = read;
    this.#failed = failed;
    addEventListener('pagehide', () => this.flush());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.flush();
    });
  }

  /** The text changed. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), PAUSE_MS);
  }

  /** Keeps what is not kept yet. */
  flush(): void {
    if (this.#timer !== undefined) this.#keep();
  }

  #keep(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      localStorage.setItem(TEXT, JSON.stringify(this.#read()));
      this.#failed(false);
    } catch {
      this.#failed(true);
    }
  }
}

/** The text that was kept, or null. `check` throws at one that cannot be used; such a one is put aside. */
export function keptText(check: (content: JSONContent) => void): JSONContent | null {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(TEXT);
    if (kept === null) return null;
    const content = JSON.parse(kept) as JSONContent;
    check(content);
    return content;
  } catch {
    if (kept !== null) localStorage.setItem(UNREADABLE, kept);
    return null;
  }
}

/** Calls back when another window of this browser has kept a newer text. */
export function onKeptElsewhere(call: () => void): void {
  addEventListener('storage', ({ key, newValue }) => {
    if (key === TEXT && newValue !== null) call();
  });
}
