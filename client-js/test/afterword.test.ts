/** The whole client against a minimal WebSocket server on this machine. */

import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  Afterword,
  type ClientMessage,
  type DocumentMessage,
  type GhostDocument,
  type SocketConstructor,
} from '../src/index.js';
import { byHeart } from './support/harness.js';
import { FakeServer, WELCOME } from './support/fake-server.js';
import { FakeEditor } from './support/fake-editor.js';

const STORY = 'The quick brown fox jumps over the lazy dog.';

/** A server whose model knows one text; it answers at once. */
class Server {
  readonly hellos: ClientMessage[] = [];
  /** Documents closed and not opened again. */
  closed: string[] = [];
  private readonly wss: WebSocketServer;

  private constructor(wss: WebSocketServer) {
    this.wss = wss;
    wss.on('connection', (socket) => {
      const documents = new Map<string, FakeServer>();
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as ClientMessage;
        if (message.type === 'hello') {
          this.hellos.push(message);
          socket.send(JSON.stringify(WELCOME));
        } else if (message.type === 'ping') socket.send(JSON.stringify({ type: 'pong', t: message.t }));
        else this.document(documents, message, (frame) => socket.send(JSON.stringify(frame)));
      });
    });
  }

  static async listen(port = 0): Promise<Server> {
    const wss = new WebSocketServer({ host: '127.0.0.1', port, path: '/v1' });
    await new Promise((resolve) => wss.once('listening', resolve));
    return new Server(wss);
  }

  get port(): number {
    return (this.wss.address() as AddressInfo).port;
  }

  /** Ends without closing connections in order. */
  async kill(): Promise<void> {
    for (const socket of this.wss.clients) socket.terminate();
    await new Promise((resolve) => this.wss.close(resolve));
  }

  private document(documents: Map<string, FakeServer>, message: DocumentMessage, send: (frame: object) => void): void {
    const dummy = documents.get(message.doc) ?? new FakeServer(byHeart(STORY), message.doc);
    documents.set(message.doc, dummy);
    dummy.receive(message);
    if (message.type === 'close') this.closed.push(message.doc);
    else if (message.type === 'open') this.closed = this.closed.filter((doc) => doc !== message.doc);
    dummy.write(100);
    for (const frame of dummy.frames.splice(0)) send(frame);
  }
}

const until = async (what: () => boolean): Promise<void> => {
  for (const end = Date.now() + 10_000; !what();) {
    if (Date.now() > end) throw new Error('it never came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

class Page {
  readonly editor = new FakeEditor('');
  painted: string | null = null;
  readonly document: GhostDocument;

  constructor(afterword: Afterword) {
    this.document = afterword.document({ paint: (ghost) => (this.painted = ghost?.text ?? null) });
    this.document.update(this.editor.state('set'));
  }

  type(text: string): void {
    for (const character of text) {
      this.editor.insert(character);
      this.document.update(this.editor.state('type'));
    }
  }
}

describe('with a server on this machine', () => {
  let server: Server | null = null;
  let afterword: Afterword;
  const start = (url: string): Afterword =>
    (afterword = new Afterword({ url, WebSocket: WebSocket as unknown as SocketConstructor, random: () => 0 }));

  afterEach(async () => {
    afterword.close();
    await server?.kill();
    server = null;
  });

  it('gives ghost text to several editors over one connection', async () => {
    server = await Server.listen();
    start(`ws://127.0.0.1:${server.port}/v1`);
    const pages = [new Page(afterword), new Page(afterword)];
    pages[0]!.type('The qui');
    pages[1]!.type('The lazy');
    await until(() => pages.every(({ painted }) => painted !== null));
    expect(pages.map(({ painted }) => painted)).toEqual(['ck brown fox jumps over the lazy dog.', ' dog.']);
    expect(server.hellos).toHaveLength(1);
    pages[1]!.document.close();
    expect(pages[1]!.painted).toBeNull();
    // An editor may still have something to say when it is gone.
    pages[1]!.type(' dog');
    expect(pages[1]!.document.command('ask')).toBeNull();
    expect(pages[0]!.document.command('acceptWord')).toBe('ck');
    await until(() => server!.closed.length > 0);
    expect(server.closed).toEqual(['d2']);
    expect(pages[0]!.document.status()).toMatchObject({ accepted: 1, silence: null });
    expect(pages[0]!.document.status().firstTextP50Ms).toBeGreaterThan(0);
  });

  it('loses no ghost text for good when the server is killed and started again while someone types', async () => {
    server = await Server.listen();
    const { port } = server;
    start(`ws://127.0.0.1:${port}/v1`);
    const states: string[] = [];
    afterword.onState(({ name }) => states.push(name));
    const page = new Page(afterword);
    page.type('The qui');
    await until(() => page.painted !== null);
    await server.kill();
    page.type('ck');
    expect(page.painted).toBe(' brown fox jumps over the lazy dog.');
    await until(() => states.includes('waiting'));
    page.type(' red fox. The lazy');
    expect(page.painted).toBeNull();
    server = await Server.listen(port);
    await until(() => page.painted !== null);
    expect(page.painted).toBe(' dog.');
    expect(page.editor.text).toBe('The quick red fox. The lazy');
    expect(states.at(-1)).toBe('ready');
  });

  it('lets the writer write where there is no server at all', async () => {
    start('ws://127.0.0.1:9/v1');
    const page = new Page(afterword);
    page.type('The quick');
    await until(() => afterword.connection.state.name === 'waiting');
    expect(page.document.command('accept')).toBeNull();
    expect(page.document.status().silence).toBe('offline');
  });
});
