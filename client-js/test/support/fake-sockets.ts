/** Sockets without a network: a test plays the server. */

import type { ClientMessage, ServerMessage, Socket, SocketConstructor, Welcome } from '../../src/index.js';
import { WELCOME } from './fake-server.js';

export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: ClientMessage[] = [];
  closed: number | null = null;
  /** As in a WebSocket: 1 is open, 2 is closing. */
  readyState = 0;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(data: string): void {
    this.sent.push(JSON.parse(data) as ClientMessage);
  }

  close(code = 1005): void {
    this.closed = code;
    this.readyState = 2;
  }

  // What the server does:

  accept(welcome: Partial<Welcome> = {}): this {
    this.readyState = 1;
    this.onopen?.();
    return this.say({ ...WELCOME, ...welcome });
  }

  say(message: ServerMessage): this {
    this.onmessage?.({ data: JSON.stringify(message) });
    return this;
  }

  drop(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** A network of such sockets, newest last. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: SocketConstructor;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
  }

  get last(): FakeSocket {
    return this.sockets.at(-1)!;
  }
}
