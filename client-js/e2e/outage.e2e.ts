/** Servers stop and start while the writer types. */

import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { ExamplePage } from './support/example-page.js';
import { Relay } from './support/relay.js';
import { ServerProcess } from './support/server-process.js';

const OPENING = 'Once upon a time there was a little girl.';
/** The browser's message while there is no server. */
const NO_SERVER = /WebSocket connection to .* failed/;
/** A generous bound on starting a server, which loads its model. */
const START_MS = 240_000;

let server: ServerProcess;
let example: ExamplePage;

beforeAll(async () => {
  server = await ServerProcess.start();
}, START_MS);
afterAll(() => server.stop());
afterEach(() => example.close());

/** Records the states of the connection from now on; `draining` while the server drains. */
const watch = (): Promise<void> =>
  example.page.evaluate(() => {
    const states: string[] = [];
    Object.assign(window, { states });
    window.example.afterword.onState((state) =>
      states.push(state.name === 'ready' && state.draining ? 'draining' : state.name),
    );
  });
const states = (): Promise<string[]> => example.page.evaluate(() => (window as unknown as { states: string[] }).states);

it(
  'loses no character when the server is killed and restarted, and brings ghost text back without a reload',
  async () => {
    example = await ExamplePage.open('tiptap', { server: server.url, mayFail: NO_SERVER });
    await watch();
    await example.write(OPENING);
    await example.write(' She was called');
    await example.appears();
    const { port } = server;
    await server.kill();
    // Written while nobody is there, and while the next one starts.
    const meanwhile = ' Anna, and she lived with her mother at the edge of the wood.';
    const [next] = await Promise.all([ServerProcess.start(port), example.write(meanwhile, 60)]);
    server = next;
    expect(await example.text()).toBe(`${OPENING} She was called${meanwhile}`);
    await example.until(() => window.example.afterword.connection.state.name === 'ready');
    const more = ' One day she';
    await example.write(more);
    await example.appears();
    expect(await example.text()).toBe(`${OPENING} She was called${meanwhile}${more}`);
    expect(await states()).toContain('waiting');
    const ghost = await example.whole();
    await example.press('Tab');
    expect(await example.text()).toBe(`${OPENING} She was called${meanwhile}${more}${ghost}`);
  },
  START_MS,
);

it('moves over to another server before one that drains has gone', async () => {
  const relay = await Relay.open(server.port);
  // So long a text is still being written when the server is asked to stop, which gives it time to end.
  const options = JSON.stringify({ maxTokens: 1000, stop: 'none' });
  example = await ExamplePage.open('textarea', { server: relay.url, query: { options } });
  await watch();
  await example.write(OPENING);
  await example.appears();
  relay.to = Number(new URL(inject('server')).port);
  const stopped = server.stop();
  await example.until(() => (window as unknown as { states: string[] }).states.length > 2);
  // What was painted stays good.
  expect(await example.ghost()).not.toBeNull();
  await stopped;
  await example.write(' She was called');
  await example.appears();
  expect(await example.text()).toBe(`${OPENING} She was called`);
  // Never without a server: neither waiting nor connecting.
  expect(await states()).toEqual(['ready', 'draining', 'ready']);
  await example.close();
  await relay.close();
});
