/**
 * What applications and bindings use: one `Afterword` per server, one `GhostDocument` per editor.
 *
 * A thin shell that carries the controller's effects out, with a socket and a clock. Makes no decisions.
 */

import { Connection, systemClock } from './connection.js';
import type { Clock, ConnectionOptions, ConnectionState } from './connection.js';
import { GhostText } from './ghost.js';
import type { Counts } from './metrics.js';
import type { Command, Effect, Ghost, GhostOptions, Silence, Update } from './vocabulary.js';

/** The page, where there is one. */
const page: Partial<Pick<typeof globalThis, 'addEventListener' | 'removeEventListener'>> = globalThis;

/** What a binding is told. */
export interface GhostHandlers {
  /** Show this at the caret and nothing else; null: show nothing. Called at once from within `update` and `command`. */
  paint(ghost: Ghost | null): void;
  /** Say this to a screen reader, politely. */
  announce?(text: string): void;
  /** Why nothing is shown; null while something is. */
  silence?(reason: Silence | null): void;
}

/** A snapshot for a status panel. Times in ms; `reuse` is a share from 0 to 1. */
export interface GhostStatus extends Readonly<Counts> {
  firstTextP50Ms: number | null;
  firstTextP95Ms: number | null;
  reuse: number | null;
  silence: Silence | null;
}

export interface AfterwordOptions extends ConnectionOptions {
  /** Options for every document that does not say otherwise. */
  ghost?: Partial<GhostOptions>;
}

/** A server, and the documents that get ghost text from it. */
export class Afterword {
  readonly #options: AfterwordOptions;
  readonly connection: Connection;
  readonly #documents = new Set<GhostDocument>();
  readonly #clock: Clock;
  #opened = 0;

  constructor(options: AfterwordOptions) {
    this.#options = options;

    this.#clock = options.clock ?? systemClock;
    this.connection = new Connection(options);
    this.connection.listen({
      ready: (welcome) => this.#each((ghost, now) => ghost.connected(welcome, now)),
      lost: () => this.#each((ghost, now) => ghost.disconnected(now)),
      message: (message) => this.#each((ghost, now) => ghost.frame(message, now)),
      busy: () => [...this.#documents].some((document) => document.controller.waiting),
    });
  }

  /** A document for one editor. The first one connects. */
  document(handlers: GhostHandlers, options: Partial<GhostOptions> = {}): GhostDocument {
    const connection = this.connection;
    const clock = this.#clock;
    const ghost = new GhostText(`d${++this.#opened}`, { ...this.#options.ghost, ...options });
    const document = new GhostDocument(ghost, handlers, connection, clock, () => this.#documents.delete(document));
    this.#documents.add(document);
    if (connection.state.name === 'ready') {
      const { welcome } = connection.state;
      document.carryOut(ghost.connected(welcome, clock.now()));
    } else if (connection.state.name === 'idle') {
      connection.connect();
      // A network that comes back is worth a try at once.
      page.addEventListener?.('online', this.#online);
    }
    return document;
  }

  /** Hears of every change of the connection, beginning with how it is now; the function returned ends that. */
  onState(call: (state: ConnectionState) => void): () => void {
    call(this.connection.state);
    return this.connection.listen({ state: call });
  }

  /** Closes every document and the connection. */
  close(): void {
    for (const document of this.#documents) document.close();
    page.removeEventListener?.('online', this.#online);
    this.connection.close();
  }

  readonly #online = (): void => {
    if (this.connection.state.name === 'waiting') this.connection.connect();
  };

  #each(call: (ghost: GhostText, now: number) => Effect[]): void {
    const now = this.#clock.now();
    for (const document of this.#documents) document.carryOut(call(document.controller, now));
  }
}

/** One editor's ghost text. Made by `Afterword.document`. */
export class GhostDocument {
  readonly #handlers: GhostHandlers;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #closed: () => void;
  #cancelWake: (() => void) | null = null;
  /** The editor is gone. What it still says, from a timer perhaps, must not open the document again. */
  #gone = false;

  constructor(
    readonly controller: GhostText,
    handlers: GhostHandlers,
    connection: Connection,
    clock: Clock,
    closed: () => void,
  ) {
    this.#handlers = handlers;
    this.#connection = connection;
    this.#clock = clock;
    this.#closed = closed;
  }

  /** Tells how the editor is now; see `Update`. */
  update(update: Update): void {
    if (!this.#gone) this.carryOut(this.controller.update(update, this.#clock.now()));
  }

  /**
   * Gives a command. Returns null when it was not for ghost text (nothing is shown, say), so that the key does what
   * it does otherwise; else the text to insert at the caret, as one step of the history, which may be empty.
   */
  command(command: Command): string | null {
    if (this.#gone) return null;
    const { handled, insert, effects } = this.controller.command(command, this.#clock.now());
    this.carryOut(effects);
    return handled ? insert : null;
  }

  /** What is painted now. */
  get ghost(): Ghost | null {
    return this.controller.painted;
  }

  configure(options: Partial<GhostOptions>): void {
    this.carryOut(this.controller.configure(options, this.#clock.now()));
  }

  status(): GhostStatus {
    const { metrics, silence } = this.controller;
    return {
      ...metrics.counts,
      firstTextP50Ms: metrics.percentile(0.5),
      firstTextP95Ms: metrics.percentile(0.95),
      reuse: metrics.reuse,
      silence,
    };
  }

  /** The editor is gone: unpaints, and lets the server forget the text. */
  close(): void {
    this.#gone = true;
    this.carryOut(this.controller.close(this.#clock.now()));
    this.#cancelWake?.();
    this.#closed();
  }

  /** @internal */
  carryOut(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'send') this.#connection.send(effect.message);
      else if (effect.do === 'paint') this.#handlers.paint(effect.ghost);
      else if (effect.do === 'announce') this.#handlers.announce?.(effect.text);
      else if (effect.do === 'silence') this.#handlers.silence?.(effect.reason);
      else this.#wake(effect.at);
    }
  }

  #wake(at: number): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    if (at === Infinity) return;
    this.#cancelWake = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#cancelWake = null;
      this.carryOut(this.controller.tick(this.#clock.now()));
    });
  }
}
