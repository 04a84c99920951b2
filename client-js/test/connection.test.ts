import { afterEach, describe, expect, it } from 'vitest';
import { Connection, type ConnectionOptions, type ServerMessage } from '../src/index.js';
import { FakeNetwork } from './support/fake-sockets.js';
import { FakeClock } from './support/fake-clock.js';

/** Resolves after the callbacks of all settled promises. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let connection: Connection;
afterEach(() => connection.close());

function begin(options: Partial<ConnectionOptions> = {}) {
  const network = new FakeNetwork();
  const clock = new FakeClock();
  const heard: string[] = [];
  const messages: ServerMessage[] = [];
  let busy = false;
  connection = new Connection({
    url: 'ws://test/v1',
    WebSocket: network.WebSocket,
    clock,
    random: () => 0.5,
    ...options,
  });
  connection.listen({
    state: ({ name }) => heard.push(name),
    ready: ({ session }) => heard.push(`ready ${session}`),
    lost: () => heard.push('lost'),
    message: (message) => messages.push(message),
    busy: () => busy,
  });
  connection.connect();
  return { network, clock, heard, messages, setBusy: (is: boolean) => (busy = is) };
}

describe('greeting', () => {
  it('offers the subprotocol and says hello', () => {
    const { network, heard } = begin({ token: 'secret', delivery: 'word', client: { name: 'test', version: '1' } });
    expect(network.last.protocols).toEqual(['afterword.v1']);
    network.last.accept();
    expect(network.last.sent[0]).toEqual({
      type: 'hello',
      token: 'secret',
      delivery: 'word',
      client: { name: 'test', version: '1' },
    });
    expect(heard).toEqual(['connecting', 'ready', 'ready s1']);
  });

  it('waits for a token that takes its time, and asks for a new one each time', async () => {
    let count = 0;
    const { network, clock } = begin({ token: () => Promise.resolve(`t${++count}`) });
    expect(network.sockets).toHaveLength(0);
    await settled();
    network.last.accept();
    expect(network.last.sent[0]).toMatchObject({ token: 't1' });
    network.last.drop();
    clock.pass(500);
    await settled();
    network.last.accept();
    expect(network.last.sent[0]).toMatchObject({ token: 't2' });
  });

  it('tries again when there is no token to be had', async () => {
    let count = 0;
    const { network, clock } = begin({ token: () => (count++ === 0 ? Promise.reject(new Error('no')) : 'yes') });
    await settled();
    expect(connection.state.name).toBe('waiting');
    clock.pass(500);
    await settled();
    expect(network.last.accept().sent[0]).toMatchObject({ token: 'yes' });
  });

  it('gives up a server that does not greet', () => {
    const { network, clock } = begin();
    network.last.onopen?.();
    clock.pass(10_000);
    expect(network.last.closed).toBe(1000);
    expect(connection.state.name).toBe('waiting');
  });

  it.each([{ protocol: 2 }, { offsets: 'utf-8' }])(
    'goes no further with a server that speaks otherwise: %o',
    (welcome) => {
      const { network, clock } = begin();
      network.last.accept(welcome);
      clock.pass(100_000);
      expect([connection.state.name, network.sockets.length]).toEqual(['refused', 1]);
    },
  );

  it('is refused, not broken, without any WebSocket', () => {
    begin({ WebSocket: undefined as never, url: 'not a url' });
    expect(connection.state.name).toBe('refused');
  });
});

describe('coming back', () => {
  it('waits longer each time, up to half a minute, and begins anew after a welcome', () => {
    const { network, clock } = begin();
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      network.last.drop();
      const { state } = connection;
      if (state.name !== 'waiting') throw new Error(state.name);
      waits.push(state.retryAt - clock.now());
      clock.pass(waits.at(-1)!);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    network.last.accept().drop();
    clock.pass(500);
    expect(network.sockets).toHaveLength(11);
  });

  it.each([
    [0, 250],
    [1, 750],
  ])('leaves part of the wait to chance: %d', (chance, wait) => {
    const { network, clock } = begin({ random: () => chance });
    network.last.drop();
    clock.pass(wait - 1);
    expect(network.sockets).toHaveLength(1);
    clock.pass(1);
    expect(network.sockets).toHaveLength(2);
  });

  it.each([4400, 4401, 4406, 4409])('does not after %d, unless told to', (code) => {
    const { network, clock } = begin();
    network.last.accept().drop(code, 'why');
    clock.pass(1_000_000);
    expect(network.sockets).toHaveLength(1);
    expect(connection.state).toEqual({ name: 'refused', code, reason: 'why' });
    connection.connect();
    network.last.accept();
    expect(connection.state.name).toBe('ready');
  });

  it.each([1006, 1009, 1011, 4408, 4429, 4500, 4999])('does after %d', (code) => {
    const { network, clock } = begin();
    network.last.accept().drop(code);
    clock.pass(500);
    expect(network.sockets).toHaveLength(2);
  });

  it('is almost at once after a server went away in order', () => {
    const { network, clock } = begin();
    network.last.accept().drop(1001);
    clock.pass(100);
    expect(network.sockets).toHaveLength(2);
    network.last.drop(1006);
    clock.pass(499);
    expect(network.sockets).toHaveLength(2);
  });

  it('is at once when asked for', () => {
    const { network } = begin();
    network.last.drop();
    connection.connect();
    expect(network.sockets).toHaveLength(2);
  });

  it('drops what is sent meanwhile, and tells its listeners', () => {
    const { network, heard } = begin();
    connection.send({ type: 'close', doc: 'd' });
    network.last.accept();
    connection.send({ type: 'close', doc: 'd' });
    network.last.drop();
    connection.send({ type: 'close', doc: 'd' });
    expect(network.last.sent.map(({ type }) => type)).toEqual(['hello', 'ping', 'close']);
    expect(heard).toEqual(['connecting', 'ready', 'ready s1', 'lost', 'waiting']);
  });

  it('is over after close', () => {
    const { network, clock, heard } = begin();
    network.last.accept();
    connection.close();
    clock.pass(1_000_000);
    expect([network.sockets.length, network.last.closed, heard.at(-2), heard.at(-1)]).toEqual([
      1,
      1000,
      'closed',
      'lost',
    ]);
  });
});

describe('heartbeat', () => {
  it('measures the way there and back', () => {
    const { network, clock } = begin();
    network.last.accept();
    clock.pass(30);
    network.last.say({ type: 'pong', t: (network.last.sent[1] as { t: number }).t });
    expect(connection.roundTripMs).toBe(30);
  });

  it('asks after a silence, and leaves a server that does not answer', () => {
    const { network, clock } = begin();
    network.last.accept({ heartbeat_ms: 20_000 });
    clock.pass(20_000);
    expect(network.last.sent.filter(({ type }) => type === 'ping')).toHaveLength(2);
    clock.pass(9_999);
    expect(connection.state.name).toBe('ready');
    clock.pass(1);
    expect(connection.state.name).toBe('waiting');
    expect(network.last.closed).toBe(1000);
  });

  it('is content with any sign of life', () => {
    const { network, clock } = begin();
    network.last.accept({ heartbeat_ms: 20_000 });
    for (let n = 0; n < 10; n++) {
      clock.pass(19_000);
      network.last.say({ type: 'token', doc: 'd', id: 1, pos: 0, text: 'x' });
    }
    expect(network.last.sent.filter(({ type }) => type === 'ping')).toHaveLength(1);
    expect(connection.state.name).toBe('ready');
  });
});

describe('an engine that is lost', () => {
  it('is a part of the state until it is restarted, or another server answers', () => {
    const { network, clock, heard } = begin();
    network.last.accept().say({ type: 'notice', kind: 'engine_lost' });
    expect(connection.state).toMatchObject({ name: 'ready', engineLost: true });
    network.last.say({ type: 'notice', kind: 'engine_restarted' });
    expect(connection.state).toMatchObject({ name: 'ready', engineLost: false });
    expect(heard).toEqual(['connecting', 'ready', 'ready s1', 'ready', 'ready']);
    network.last.say({ type: 'notice', kind: 'engine_lost' }).drop();
    clock.pass(500);
    network.last.accept();
    expect(connection.state).toMatchObject({ name: 'ready', engineLost: false });
  });

  it('is told apart from notices of newer servers', () => {
    const { network, heard } = begin();
    network.last.accept().say({ type: 'notice', kind: 'party' } as unknown as ServerMessage);
    expect(heard).toEqual(['connecting', 'ready', 'ready s1']);
  });
});

describe('a server that drains', () => {
  const draining: ServerMessage = { type: 'notice', kind: 'draining', grace_ms: 1000 };

  it('is left as soon as there is another', () => {
    const { network, heard } = begin();
    const [old] = [network.last.accept({ session: 'old' })];
    old.say(draining);
    expect(connection.state).toMatchObject({ name: 'ready', draining: true });
    expect(network.sockets).toHaveLength(2);
    network.last.accept({ session: 'new' });
    expect(old.closed).toBe(1000);
    expect(heard).toEqual(['connecting', 'ready', 'ready old', 'ready', 'lost', 'ready', 'ready new']);
    old.say({ type: 'token', doc: 'd', id: 1, pos: 0, text: 'x' });
    old.drop(1001);
    expect(connection.state).toMatchObject({ name: 'ready', draining: false });
  });

  it('may finish a suggestion first', () => {
    const { network, messages, setBusy } = begin();
    const old = network.last.accept({ session: 'old' });
    setBusy(true);
    old.say(draining);
    network.last.accept({ session: 'new' });
    expect(connection.state).toMatchObject({ welcome: { session: 'old' } });
    setBusy(false);
    old.say({ type: 'token', doc: 'd', id: 1, pos: 0, text: 'x' });
    expect(messages).toHaveLength(2);
    expect(connection.state).toMatchObject({ welcome: { session: 'new' } });
  });

  it('is not waited for until it goes', () => {
    const { network, clock, setBusy } = begin();
    const old = network.last.accept({ session: 'old' });
    setBusy(true);
    old.say(draining);
    network.last.accept({ session: 'new' });
    clock.pass(700);
    expect(connection.state).toMatchObject({ welcome: { session: 'new' } });
  });

  it('stays in use while there is no other', () => {
    const { network, clock, heard } = begin();
    const old = network.last.accept();
    old.say(draining);
    network.last.drop();
    expect(connection.state.name).toBe('ready');
    clock.pass(500);
    expect(network.sockets).toHaveLength(3);
    network.last.drop();
    old.drop(1001);
    expect(heard.slice(-2)).toEqual(['lost', 'waiting']);
    clock.pass(100);
    network.last.accept({ session: 'new' });
    expect(connection.state).toMatchObject({ welcome: { session: 'new' } });
  });

  it('is sent nothing any more while it closes', () => {
    const { network } = begin();
    const old = network.last.accept();
    const sent = old.sent.length;
    old.readyState = 2;
    connection.send({ type: 'close', doc: 'd' });
    expect(old.sent).toHaveLength(sent);
  });

  it('that goes early gives way to the other that waits', () => {
    const { network, heard, setBusy } = begin();
    const old = network.last.accept({ session: 'old' });
    setBusy(true);
    old.say(draining);
    network.last.accept({ session: 'new' });
    old.drop(1001);
    expect(heard.slice(-3)).toEqual(['lost', 'ready', 'ready new']);
  });
});
