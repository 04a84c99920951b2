/**
 * What applications and bindings use: one `Afterword` per server, one `GhostDocument` per editor.
 *
 * A thin shell that carries out the controller's effects with a socket and a clock. It makes no decisions.
 */

import { systemClock, type Clock } from './clock.js';
import { Connection, type ConnectionState } from './connection.js';
import { GhostController } from './ghost-controller.js';
import type { ConnectionOptions } from './link.js';
import type { Counts } from './metrics.js';
import type { GhostOptions } from './options.js';
import type { Command, Effect, Ghost, Silence, Update } from './events.js';

/** The window, in a browser. */
const page: Partial<Pick<typeof globalThis, 'addEventListener' | 'removeEventListener'>> = globalThis;

/** What a binding implements. */
export interface GhostHandlers {
  /** Show this at the caret and nothing else; null: show nothing. Also called from within `update` and `command`. */
  paint(ghost: Ghost | null): void;
  /** Announce this to a screen reader, politely. */
  announce?(text: string): void;
  /** The reason why nothing is shown changed; null: something is shown. */
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
  /** Default options for every document. */
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
    const ghost = new GhostController(`d${++this.#opened}`, { ...this.#options.ghost, ...options });
    const document = new GhostDocument(ghost, handlers, connection, clock, () => this.#documents.delete(document));
    this.#documents.add(document);
    if (connection.state.name === 'ready') {
      const { welcome } = connection.state;
      document.carryOut(ghost.connected(welcome, clock.now()));
    } else if (connection.state.name === 'idle') {
      connection.connect();
      // When the network comes back, retry at once.
      page.addEventListener?.('online', this.#online);
    }
    return document;
  }

  /** Calls back with the state of the connection, now and at every change; the function returned ends that. */
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

  #each(call: (ghost: GhostController, now: number) => Effect[]): void {
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
  /** The editor was closed. A late call, from a timer perhaps, must not open the document again. */
  #isClosed = false;

  constructor(
    readonly controller: GhostController,
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

  /** Reports the state of the editor; see `Update`. */
  update(update: Update): void {
    if (!this.#isClosed) this.carryOut(this.controller.update(update, this.#clock.now()));
  }

  /**
   * Runs a command. Returns null when it did not apply, for instance because nothing is shown; then the key does what it
   * does without ghost text. Otherwise returns the text, perhaps empty, to insert at the caret as one undo step.
   */
  command(command: Command): string | null {
    if (this.#isClosed) return null;
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

  /** The editor is closed: removes the ghost text and tells the server to forget the document. */
  close(): void {
    this.#isClosed = true;
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
