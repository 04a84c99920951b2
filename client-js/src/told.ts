/**
 * What the server was told of one document: its text, a question, that a suggestion was typed along.
 *
 * Makes messages and keeps the server's copy in step with them. When to say what is decided elsewhere; where there is
 * no server, or it does not hold the document, nothing is said.
 */

import { Mirror, type Surroundings } from './mirror.js';
import type { DocumentMessage } from './protocol.js';
import type { Suggestion } from './suggestion.js';
import type { Terms } from './terms.js';
import type { Effect } from './vocabulary.js';

export class Told {
  /** The document was refused on this connection. */
  refused = false;
  readonly #doc: string;
  readonly #terms: Terms;
  readonly #out: Effect[];
  readonly #mirror: Mirror;
  #lastId = 0;

  /** Messages about `doc` are added to `out` as effects. */
  constructor(doc: string, terms: Terms, out: Effect[]) {
    this.#doc = doc;
    this.#terms = terms;
    this.#out = out;
    this.#mirror = new Mirror(doc);
  }

  /** Whether the server holds the document. */
  get open(): boolean {
    return this.#mirror.open;
  }

  /** Whether there is a server that takes the document. */
  get ready(): boolean {
    return this.#terms.server !== null && !this.refused;
  }

  /** The server no longer holds the document, or not as it should. */
  lose(): void {
    this.#mirror.open = false;
  }

  /** Makes the server's text equal to the editor's. */
  text(view: Surroundings, suggestion: Suggestion | null): void {
    this.#send(this.#mirror.sync(view, this.#terms.reach));
    if (suggestion) suggestion.told = suggestion.typed;
  }

  /** How far a suggestion was typed along, and nothing else that may have changed. */
  along(suggestion: Suggestion): void {
    if (!this.open) return;
    const untold = suggestion.untold();
    this.#send(this.#mirror.splice(untold.delete, untold.insert, this.#terms.reach));
    suggestion.told = suggestion.typed;
  }

  /** Asks about the text as it was told. Returns the id of the suggestion to come. */
  question(alternatives: number): number {
    const id = ++this.#lastId;
    this.#send({ type: 'suggest', doc: this.#doc, id, rev: this.#mirror.rev, ...this.#terms.fields(alternatives) });
    return id;
  }

  /** The next `text` of a suggestion was taken. */
  accept(suggestion: Suggestion, text: string): void {
    this.along(suggestion);
    if (!this.open) return;
    const { reach } = this.#terms;
    if (suggestion.known) {
      const rev = this.#mirror.put(0, text, reach);
      const { id, shown: alternative } = suggestion;
      const { length } = text;
      this.#send({ type: 'accept', doc: this.#doc, id, rev, length, ...(alternative && { alternative }) });
    } else this.#send(this.#mirror.splice(0, text, reach));
  }

  extend({ id }: Suggestion): void {
    const { ask, maxTokens } = this.#terms;
    this.#send({ type: 'extend', doc: this.#doc, id, max_tokens: maxTokens, stop: ask.stop });
  }

  /** A suggestion is of no more use, or the writer did not want it. */
  end(type: 'cancel' | 'dismiss', { id, known }: Suggestion): void {
    if (this.open && known) this.#send({ type, doc: this.#doc, id });
  }

  /** The server is to forget the document. */
  close(): void {
    if (this.open) this.#send({ type: 'close', doc: this.#doc });
    this.lose();
  }

  #send(message: DocumentMessage | null): void {
    if (message) this.#out.push({ do: 'send', message });
  }
}
