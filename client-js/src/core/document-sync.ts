/**
 * Keeps the server's copy of one document in step, and writes the messages about its suggestions.
 *
 * When to send what is decided by the controller. Nothing is sent while there is no server or while it does not hold
 * the document.
 */

import { Mirror, type Surroundings } from './mirror.js';
import type { DocumentMessage } from './protocol.js';
import type { Suggestion } from './suggestion.js';
import type { DocumentOptions } from './options.js';
import type { Effect } from './events.js';

export class DocumentSync {
  /** The server refused the document on this connection. */
  refused = false;
  readonly #doc: string;
  readonly #options: DocumentOptions;
  readonly #out: Effect[];
  readonly #mirror: Mirror;
  #lastId = 0;

  /** Messages about `doc` are added to `out` as effects. */
  constructor(doc: string, terms: DocumentOptions, out: Effect[]) {
    this.#doc = doc;
    this.#options = terms;
    this.#out = out;
    this.#mirror = new Mirror(doc);
  }

  /** Whether the server holds the document. */
  get open(): boolean {
    return this.#mirror.open;
  }

  /** Whether there is a server and it has not refused the document. */
  get ready(): boolean {
    return this.#options.server !== null && !this.refused;
  }

  /** The server no longer holds the document, or its copy is out of step. */
  lose(): void {
    this.#mirror.open = false;
  }

  /** Makes the server's text equal to the editor's. */
  update(view: Surroundings, suggestion: Suggestion | null): void {
    this.#send(this.#mirror.sync(view, this.#options.reach));
    if (suggestion) suggestion.synced = suggestion.typed;
  }

  /** Sends what was typed of a suggestion, and no other change. */
  typedThrough(suggestion: Suggestion): void {
    if (!this.open) return;
    const change = suggestion.unsynced();
    this.#send(this.#mirror.splice(change.delete, change.insert, this.#options.reach));
    suggestion.synced = suggestion.typed;
  }

  /** Requests a suggestion for the text as last sent. Returns its id. */
  suggest(alternatives: number): number {
    const id = ++this.#lastId;
    this.#send({ type: 'suggest', doc: this.#doc, id, rev: this.#mirror.rev, ...this.#options.fields(alternatives) });
    return id;
  }

  /** The writer accepted the next `text` of a suggestion. */
  accept(suggestion: Suggestion, text: string): void {
    this.typedThrough(suggestion);
    if (!this.open) return;
    const { reach } = this.#options;
    if (suggestion.known) {
      const rev = this.#mirror.put(0, text, reach);
      const { id, shown: alternative } = suggestion;
      const { length } = text;
      this.#send({ type: 'accept', doc: this.#doc, id, rev, length, ...(alternative && { alternative }) });
    } else this.#send(this.#mirror.splice(0, text, reach));
  }

  /** Requests more text at the end of a suggestion. */
  extend({ id }: Suggestion): void {
    const { ask, maxTokens } = this.#options;
    this.#send({ type: 'extend', doc: this.#doc, id, max_tokens: maxTokens, stop: ask.stop });
  }

  /** Cancels a suggestion that is no longer needed, or reports that the writer dismissed it. */
  end(type: 'cancel' | 'dismiss', { id, known }: Suggestion): void {
    if (this.open && known) this.#send({ type, doc: this.#doc, id });
  }

  /** Tells the server to forget the document. */
  close(): void {
    if (this.open) this.#send({ type: 'close', doc: this.#doc });
    this.lose();
  }

  #send(message: DocumentMessage | null): void {
    if (message) this.#out.push({ do: 'send', message });
  }
}
