/**
 * The connection to a server: connects, reconnects with backoff, and moves away from a server that is draining.
 *
 * It knows sockets and timers and nothing of documents or suggestions. It never throws at its user: that the server
 * cannot be reached is a state, not an error.
 */

import { systemClock, type Clock } from './clock.js';
import { Link, type ConnectionOptions } from './link.js';
import { CLOSE_GOING_AWAY, mayReconnect } from './protocol.js';
import type { ClientMessage, Notice, ServerMessage, Welcome } from './protocol.js';

/** Delay before the first retry, and the longest. Every further retry waits twice as long as the one before. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** Share of a delay, up or down, that is random, so that the clients of a server do not all reconnect at once. */
const JITTER = 0.5;
/** After a server has shut down in order, its clients reconnect within this time, spread at random. */
const MOVE_WITHIN_MS = 200;
/** Share of a draining server's grace period after which the client moves even in the middle of a suggestion. */
const MOVE_AFTER = 0.7;
const DEFAULT_GRACE_MS = 5_000;

/** The state of a connection. */
export type ConnectionState =
  /** `connect` was not called yet. */
  | { name: 'idle' }
  | { name: 'connecting' }
  | {
      name: 'ready';
      welcome: Welcome;
      /** The server is shutting down; a connection to its successor is being opened. */
      draining: boolean;
      /** The server has lost its engine and is restarting it. Until then there are no suggestions. */
      engineLost: boolean;
    }
  /** The connection was lost; the next attempt is at `retryAt` (ms on the clock in use). */
  | { name: 'waiting'; retryAt: number; code: number }
  /** Refused for a reason that a retry would not change. `connect()` tries again all the same. */
  | { name: 'refused'; code: number; reason: string }
  | { name: 'closed' };

/** What a connection reports. All methods are optional. */
export interface ConnectionListener {
  state?(state: ConnectionState): void;
  /** A server has sent its welcome. It holds no document yet. */
  ready?(welcome: Welcome): void;
  /** The connection to that server has ended. */
  lost?(): void;
  message?(message: ServerMessage): void;
  /** Whether a suggestion is still being received; asked before the client leaves a draining server. */
  busy?(): boolean;
}

/** The delay before retry number `attempt`, from 0, in ms. `random` is from 0 to below 1. */
export function backoff(attempt: number, random: number): number {
  const wait = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
  return wait * (1 - JITTER + 2 * JITTER * random);
}

export class Connection {
  readonly #options: ConnectionOptions;
  state: ConnectionState = { name: 'idle' };
  /** The last measured round trip, in ms. */
  roundTripMs: number | null = null;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #clock: Clock;
  readonly #random: () => number;
  /** The link in use: its server has sent a welcome. */
  #link: Link | null = null;
  /** The link being opened: the first, one after a loss, or one beside a link to a draining server. */
  #next: Link | null = null;
  #attempt = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelMove: (() => void) | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;

    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** Adds a listener; the function returned removes it. */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects, and stays connected until `close`. While waiting or refused, tries again at once. */
  connect(): void {
    if (this.#next || this.state.name === 'ready') return;
    this.#attempt = 0;
    this.#dial();
  }

  /** Sends a message if connected; otherwise drops it, because every document is opened again after a reconnect. */
  send(message: ClientMessage): void {
    if (this.state.name === 'ready') this.#link?.send(message);
  }

  /** Closes the connection; `connect` opens a new one. */
  close(): void {
    this.#cancelRetry?.();
    this.#next?.end();
    this.#next = null;
    this.#setState({ name: 'closed' });
    this.#drop();
  }

  #dial(): void {
    this.#cancelRetry?.();
    if (!this.#link) this.#setState({ name: 'connecting' });
    const link: Link = new Link(this.#options, this.#clock, {
      welcomed: (welcome) => this.#welcomed(link, welcome),
      message: (message) => this.#received(link, message),
      closed: (code, reason) => this.#closed(link, code, reason),
      roundTrip: (ms) => (this.roundTripMs = ms),
    });
    this.#next = link;
    link.start();
  }

  #welcomed(link: Link, welcome: Welcome): void {
    if (link !== this.#next) return;
    this.#attempt = 0;
    // A draining server finishes its suggestions; the client moves when it has received the one it waits for.
    if (this.#link && this.#isBusy()) {
      link.welcome = welcome;
      return;
    }
    this.#moveTo(link, welcome);
  }

  #moveTo(link: Link, welcome: Welcome): void {
    this.#next = null;
    this.#drop();
    this.#link = link;
    this.#setState({ name: 'ready', welcome, draining: false, engineLost: false });
    for (const listener of this.#listeners) listener.ready?.(welcome);
  }

  /** Leaves the link in use, if there is one. */
  #drop(): void {
    this.#link?.end();
    if (this.#link) this.#lost();
  }

  #received(link: Link, message: ServerMessage): void {
    if (link !== this.#link) return;
    for (const listener of this.#listeners) listener.message?.(message);
    if (message.type === 'notice') this.#notice(message);
    this.#moveWhenIdle();
  }

  #notice({ kind, grace_ms: graceMs = DEFAULT_GRACE_MS }: Notice): void {
    if (kind === 'draining') this.#drain(graceMs);
    else if (this.state.name === 'ready' && /^engine_(lost|restarted)$/.test(kind))
      this.#setState({ ...this.state, engineLost: kind === 'engine_lost' });
  }

  #drain(graceMs: number): void {
    if (this.state.name !== 'ready' || this.state.draining) return;
    this.#setState({ ...this.state, draining: true });
    this.#cancelMove = this.#clock.after(graceMs * MOVE_AFTER, () => this.#moveWhenIdle(true));
    if (!this.#next) this.#dial();
  }

  #moveWhenIdle(now = false): void {
    const next = this.#next;
    if (next?.welcome && (now || !this.#isBusy())) this.#moveTo(next, next.welcome);
  }

  #isBusy(): boolean {
    return [...this.#listeners].some((listener) => listener.busy?.());
  }

  #closed(link: Link, code: number, reason: string): void {
    if (link === this.#link) {
      this.#lost();
      const next = this.#next;
      if (next?.welcome) this.#moveTo(next, next.welcome);
      else if (next) this.#setState({ name: 'connecting' });
      // After an orderly shutdown the successor is there already; after anything else, wait.
      else this.#retry(code, reason, code === CLOSE_GOING_AWAY ? MOVE_WITHIN_MS * this.#random() : undefined);
    } else if (link === this.#next) {
      this.#next = null;
      this.#retry(code, reason);
    }
  }

  /** The link in use has ended. */
  #lost(): void {
    this.#link = null;
    this.#cancelMove?.();
    for (const listener of this.#listeners) listener.lost?.();
  }

  #retry(code: number, reason: string, waitMs?: number): void {
    this.#cancelRetry?.();
    let state: ConnectionState = { name: 'refused', code, reason };
    if (mayReconnect(code)) {
      const wait = waitMs ?? backoff(this.#attempt++, this.#random());
      this.#cancelRetry = this.#clock.after(wait, () => this.#dial());
      state = { name: 'waiting', retryAt: this.#clock.now() + wait, code };
    }
    if (!this.#link) this.#setState(state);
  }

  #setState(state: ConnectionState): void {
    this.state = state;
    for (const listener of this.#listeners) listener.state?.(state);
  }
}
