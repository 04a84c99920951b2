/**
 * What the browser stores: the text and a few choices. None of it is sent anywhere.
 *
 * A browser may refuse to store (private windows, a full disk). The page works without, and tells the writer.
 */

import type { JSONContent } from '@tiptap/core';

const PREFIX = 'afterword.';
const TEXT = `${PREFIX}text`;
/** Backup of a stored text that this version of the page cannot read. */
const UNREADABLE = `${PREFIX}text.unreadable`;
/** The text is stored after this pause. */
const PAUSE_MS = 250;

/** A stored choice; `undefined` if none was made. */
export class Choice {
  readonly #key: string;
  readonly #storage: () => Storage;

  /** `storage` is a function because in some browsers even reading `localStorage` throws. */
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
      // The choice holds while the page is open.
    }
  }
}

/** Stores the text shortly after each change, and at once when the page is left. */
export class KeptText {
  readonly #read: () => JSONContent;
  readonly #failed: (failed: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `read` returns the present text; `failed` is told whether storing it failed. */
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

  /** Stores changes that are not stored yet. */
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

/** The stored text, or null. `check` throws for a text that cannot be used, which is then backed up. */
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

/** Calls back when another window of this browser has stored a newer text. */
export function onKeptElsewhere(call: () => void): void {
  addEventListener('storage', ({ key, newValue }) => {
    if (key === TEXT && newValue !== null) call();
  });
}
