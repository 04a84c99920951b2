/**
 * One WebSocket from opening to close: token, hello and welcome, heartbeat, frames in and out.
 *
 * Reconnecting and moving to another server are decided in `connection.ts`.
 */

import type { Clock } from './clock.js';
import { CLOSE_ABNORMAL, CLOSE_HELLO_TIMEOUT, CLOSE_SUBPROTOCOL } from './protocol.js';
import { parse, PROTOCOL_VERSION, stringify, SUBPROTOCOL } from './protocol.js';
import type { ClientMessage, Delivery, Peer, ServerMessage, Welcome } from './protocol.js';

/** The time that a server has to send its `welcome`. */
const GREETING_MS = 10_000;
/** The least time that a server has to answer a `ping`. */
const PONG_MS = 5_000;
/** `readyState` of an open WebSocket. */
const OPEN = 1;

/** The part of a WebSocket that is used. Those of browsers, of Node 22 and of the package `ws` have it. */
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

/** How to reach a server. */
export interface ConnectionOptions {
  /** Such as `ws://127.0.0.1:8765/v1`. */
  url: string;
  /** The server's token, or a function that fetches it, called for every connection attempt. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** How much of a suggestion the server sends at a time. */
  delivery?: Delivery;
  /** Name and version of the client, for the server's log. */
  client?: Peer;
  WebSocket?: SocketConstructor;
  clock?: Clock;
  /** As `Math.random`, for the jitter of retries. */
  random?: () => number;
}

/** What a link reports. */
export interface LinkListener {
  welcomed(welcome: Welcome): void;
  message(message: ServerMessage): void;
  closed(code: number, reason: string): void;
  roundTrip(ms: number): void;
}

/** Calls `closed` once when the WebSocket ends, unless `end` was called first. */
export class Link {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  /** The server's welcome, while the link is not in use yet. */
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
    // Fetching a token can take long or fail. Both are handled as if the server could not be reached.
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
      this.#finish(CLOSE_SUBPROTOCOL, String(error)); // no WebSocket or no valid URL: a retry would not help
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
    if (this.#heartbeatMs > 0) this.#expectHeartbeat();
    if (message.type === 'welcome') {
      if (message.protocol !== PROTOCOL_VERSION || message.offsets !== 'utf-16') {
        this.#finish(CLOSE_SUBPROTOCOL, `protocol version ${message.protocol} is not supported`);
        return;
      }
      this.#heartbeatMs = message.heartbeat_ms;
      this.#cancelTimer?.();
      if (this.#heartbeatMs > 0) this.#expectHeartbeat();
      this.#ping();
      this.#listener.welcomed(message);
    } else if (message.type === 'pong') {
      if (typeof message.t === 'number') this.#listener.roundTrip(this.#clock.now() - message.t);
    } else this.#listener.message(message);
  }

  /** Sends a ping when nothing was received for a heartbeat, and gives up when no answer comes. */
  #expectHeartbeat(): void {
    this.#in(this.#heartbeatMs, () => {
      this.#ping();
      this.#in(Math.max(PONG_MS, this.#heartbeatMs / 2), () => this.#finish(CLOSE_ABNORMAL));
    });
  }

  #ping(): void {
    this.send({ type: 'ping', t: this.#clock.now() });
  }

  send(message: ClientMessage): void {
    // A socket that is closing accepts no more data; `closed` follows.
    if (!this.#ended && this.#socket?.readyState === OPEN) this.#socket.send(stringify(message));
  }

  /** Closes the socket from this side without calling the listener. */
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

  /** Sets the one timer of this link. */
  #in(ms: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(ms, call);
  }
}
