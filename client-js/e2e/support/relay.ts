/** A TCP relay to one server or another, as a load balancer is. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';

export class Relay {
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  /** Port on this machine that new connections are forwarded to. */
  to: number;

  private constructor(to: number) {
    this.to = to;
    this.#server = createServer((near) => {
      const far = connect(this.to, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  static async open(to: number): Promise<Relay> {
    const relay = new Relay(to);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
