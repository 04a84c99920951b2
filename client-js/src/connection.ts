/**
 * One lasting connection to a server: greeting, heartbeat, and getting back after every kind of end.
 *
 * Knows sockets and timers, which can be given from outside, and nothing of documents or suggestions. It never
 * throws at its user: a server that is away is a state, not an error.
 */

import {
  CLOSE_ABNORMAL,
  CLOSE_GOING_AWAY,
  CLOSE_HELLO_TIMEOUT,
  CLOSE_SUBPROTOCOL,
  mayReconnect,
  parse,
  PROTOCOL_VERSION,
  stringify,
  SUBPROTOCOL,
} from './protocol.js';
import type { ClientMessage, Delivery, Peer, ServerMessage, Welcome } from './protocol.js';

/** Waiting before the first try again, and the most; each further try waits twice as long. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** Part of a wait, up or down, that is left to chance, so that the clients of a server do not all return at once. */
const JITTER = 0.5;
/** A server that has not greeted by now is taken for absent. */
const GREETING_MS = 10_000;
/** The clients of a server that has gone away spread their return over this time. */
const MOVE_WITHIN_MS = 200;
/** How long a `pong` may take, at least. */
const PONG_MS = 5_000;
/** Of a draining server's time, the part after which its client moves even in the middle of a suggestion. */
const PATIENCE = 0.7;
const DEFAULT_GRACE_MS = 5_000;
/** `readyState` of a WebSocket that is open. */
const OPEN = 1;

/** Where a connection stands. */
export type ConnectionState =
  /** Not asked for. */
  | { name: 'idle' }
  | { name: 'connecting' }
  | {
      name: 'ready';
      welcome: Welcome;
      /** The server is about to stop; another is being looked for. */ draining: boolean;
    }
  /** Lost, and trying again at `retryAt` (of the clock in use, ms). */
  | { name: 'waiting'; retryAt: number; code: number }
  /** Refused for a reason that trying again would not change. `connect()` tries nevertheless. */
  | { name: 'refused'; code: number; reason: string }
  | { name: 'closed' };

/** What a WebSocket must be able to do here: that of browsers, of Node 22, or of the package `ws`. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}
export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

/** Time, as far as a connection and its documents need it. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls back after `ms`; the function returned calls it off. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

export interface ConnectionOptions {
  /** Such as `ws://127.0.0.1:8765/v1`. */
  url: string;
  /** The server's secret, or how to get one; asked anew at each connection. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** How much of a suggestion travels at a time. */
  delivery?: Delivery;
  /** Who is calling, for the server's log. */
  client?: Peer;
  WebSocket?: SocketConstructor;
  clock?: Clock;
  /** From 0 to below 1. */
  random?: () => number;
}

/** What a user of a connection hears. All are optional. */
export interface ConnectionListener {
  state?(state: ConnectionState): void;
  /** A server is there and knows nothing of any document yet. */
  ready?(welcome: Welcome): void;
  /** That server is gone. */
  lost?(): void;
  message?(message: ServerMessage): void;
  /** Asked before moving away from a draining server: whether a suggestion is still on its way. */
  busy?(): boolean;
}

/** The wait before try number `attempt`, from 0, in ms. */
export function backoff(attempt: number, random: number): number {
  const wait = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
  return wait * (1 - JITTER + 2 * JITTER * random);
}

export class Connection {
  readonly #options: ConnectionOptions;
  state: ConnectionState = { name: 'idle' };
  /** The last measured time there and back, in ms. */
  roundTripMs: number | null = null;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #clock: Clock;
  readonly #random: () => number;
  /** The link in use, once it was greeted. */
  #link: Link | null = null;
  /** The link being made: at first, after a loss, or beside one that is draining. */
  #next: Link | null = null;
  #attempt = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelMove: (() => void) | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;

    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** Adds a listener; the function returned takes it away again. */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects, and stays connected until `close`. Also cuts a wait short, and tries again after a refusal. */
  connect(): void {
    if (this.#next || this.state.name === 'ready') return;
    this.#attempt = 0;
    this.#dial();
  }

  /** Sends a message, if there is a server; else drops it, as every document is opened anew when there is one. */
  send(message: ClientMessage): void {
    if (this.state.name === 'ready') this.#link?.send(message);
  }

  /** Ends the connection for good; `connect` begins a new one. */
  close(): void {
    this.#cancelRetry?.();
    this.#next?.end();
    this.#next = null;
    this.#become({ name: 'closed' });
    this.#drop();
  }

  #dial(): void {
    this.#cancelRetry?.();
    if (!this.#link) this.#become({ name: 'connecting' });
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
    // A server that drains lets its suggestions end; a client that waits for one moves when it has it.
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
    this.#become({ name: 'ready', welcome, draining: false });
    for (const listener of this.#listeners) listener.ready?.(welcome);
  }

  /** Leaves the link in use, if there is one. */
  #drop(): void {
    this.#link?.end();
    if (this.#link) this.#left();
  }

  #received(link: Link, message: ServerMessage): void {
    if (link !== this.#link) return;
    for (const listener of this.#listeners) listener.message?.(message);
    if (message.type === 'notice' && message.kind === 'draining') this.#drain(message.grace_ms ?? DEFAULT_GRACE_MS);
    this.#moveWhenFree();
  }

  #drain(graceMs: number): void {
    if (this.state.name !== 'ready' || this.state.draining) return;
    this.#become({ ...this.state, draining: true });
    this.#cancelMove = this.#clock.after(graceMs * PATIENCE, () => this.#moveWhenFree(true));
    if (!this.#next) this.#dial();
  }

  #moveWhenFree(atOnce = false): void {
    const next = this.#next;
    if (next?.welcome && (atOnce || !this.#isBusy())) this.#moveTo(next, next.welcome);
  }

  #isBusy(): boolean {
    return [...this.#listeners].some((listener) => listener.busy?.());
  }

  #closed(link: Link, code: number, reason: string): void {
    if (link === this.#link) {
      this.#left();
      const next = this.#next;
      if (next?.welcome) this.#moveTo(next, next.welcome);
      else if (next) this.#become({ name: 'connecting' });
      // A drained server is left at once; whatever else ended the connection deserves a pause.
      else this.#again(code, reason, code === CLOSE_GOING_AWAY ? MOVE_WITHIN_MS * this.#random() : undefined);
    } else if (link === this.#next) {
      this.#next = null;
      this.#again(code, reason);
    }
  }

  /** The link in use is no more. */
  #left(): void {
    this.#link = null;
    this.#cancelMove?.();
    for (const listener of this.#listeners) listener.lost?.();
  }

  #again(code: number, reason: string, waitMs?: number): void {
    this.#cancelRetry?.();
    let state: ConnectionState = { name: 'refused', code, reason };
    if (mayReconnect(code)) {
      const wait = waitMs ?? backoff(this.#attempt++, this.#random());
      this.#cancelRetry = this.#clock.after(wait, () => this.#dial());
      state = { name: 'waiting', retryAt: this.#clock.now() + wait, code };
    }
    if (!this.#link) this.#become(state);
  }

  #become(state: ConnectionState): void {
    this.state = state;
    for (const listener of this.#listeners) listener.state?.(state);
  }
}

interface LinkListener {
  welcomed(welcome: Welcome): void;
  message(message: ServerMessage): void;
  closed(code: number, reason: string): void;
  roundTrip(ms: number): void;
}

/** One WebSocket from its opening to its end, with its greeting and heartbeat. Says `closed` exactly once, or never. */
class Link {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  /** Set while greeted but not yet in use. */
  welcome: Welcome | null = null;
  #socket: Socket | null = null;
  #ended = false;
  #heartbeatMs = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(options: ConnectionOptions, clock: Clock, listener: LinkListener) {
    this.#options = options;
    this.#clock = clock;
    this.#listener = listener;
  }

  start(): void {
    this.#in(GREETING_MS, () => this.#finish(CLOSE_HELLO_TIMEOUT));
    const { token } = this.#options;
    if (typeof token !== 'function') {
      this.#open(token);
      return;
    }
    // A token may take its time, and fail; either is no different from a server that is away.
    Promise.resolve()
      .then(token)
      .then(
        (secret) => this.#open(secret),
        () => this.#finish(CLOSE_ABNORMAL),
      );
  }

  #open(token: string | undefined): void {
    if (this.#ended) return;
    let socket: Socket;
    try {
      const Constructor = this.#options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor);
      socket = this.#socket = new Constructor(this.#options.url, [SUBPROTOCOL]);
    } catch (error) {
      this.#finish(CLOSE_SUBPROTOCOL, String(error)); // no such constructor, or not a URL: it will not get better
      return;
    }
    socket.onopen = () => {
      const { client = { name: 'afterword-js' }, delivery } = this.#options;
      this.send({ type: 'hello', client, ...(token && { token }), ...(delivery && { delivery }) });
    };
    socket.onmessage = ({ data }) => {
      const message = this.#ended ? null : parse(data);
      if (message) this.#receive(message);
    };
    socket.onerror = () => undefined; // `onclose` follows
    socket.onclose = ({ code, reason }) => this.#finish(code, reason);
  }

  #receive(message: ServerMessage): void {
    if (this.#heartbeatMs > 0) this.#listenForLife();
    if (message.type === 'welcome') {
      if (message.protocol !== PROTOCOL_VERSION || message.offsets !== 'utf-16') {
        this.#finish(CLOSE_SUBPROTOCOL, `protocol ${message.protocol} is not spoken here`);
        return;
      }
      this.#heartbeatMs = message.heartbeat_ms;
      this.#cancelTimer?.();
      if (this.#heartbeatMs > 0) this.#listenForLife();
      this.#ping();
      this.#listener.welcomed(message);
    } else if (message.type === 'pong') {
      if (typeof message.t === 'number') this.#listener.roundTrip(this.#clock.now() - message.t);
    } else this.#listener.message(message);
  }

  /** After a silence, asks whether anybody is there. */
  #listenForLife(): void {
    this.#in(this.#heartbeatMs, () => {
      this.#ping();
      this.#in(Math.max(PONG_MS, this.#heartbeatMs / 2), () => this.#finish(CLOSE_ABNORMAL));
    });
  }

  #ping(): void {
    this.send({ type: 'ping', t: this.#clock.now() });
  }

  send(message: ClientMessage): void {
    // A socket that the other side is closing takes nothing any more; `closed` follows.
    if (!this.#ended && this.#socket?.readyState === OPEN) this.#socket.send(stringify(message));
  }

  /** Ends it from this side, without a word to the listener. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer?.();
    this.#socket?.close(1000);
  }

  #finish(code: number, reason = ''): void {
    if (this.#ended) return;
    this.end();
    this.#listener.closed(code, reason);
  }

  #in(ms: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(ms, call);
  }
}
