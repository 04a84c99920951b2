/** The writing page when its server stops, comes back, or needs a token. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WritingPage } from './support/writing-page.js';
import { ServerProcess } from './support/server-process.js';

const OPENING = 'Once upon a time there was a little';
const GONE = /WebSocket connection to .* failed/;
const RESTART_MS = 120_000;
const BACK_WITHIN_MS = 60_000;

let writing: WritingPage;
afterEach(() => writing.close());

describe('a server that goes away', () => {
  it('loses no letter, and brings ghost text back without a reload', { timeout: 2 * RESTART_MS }, async () => {
    let server = await ServerProcess.start();
    try {
      writing = await WritingPage.open({ address: server.page, mayFail: GONE });
      await writing.type(OPENING);
      await writing.suggestion();
      await server.kill();
      const state = writing.page.locator('#state');
      await expect.poll(() => state.textContent()).toBe('Offline');
      expect(await writing.panel.locator('#connection').textContent()).toMatch(
        /Your text is safe.* again (in \d+ s|now)/,
      );
      await writing.type(' dog in a house');
      expect(await writing.written()).toBe(`${OPENING} dog in a house`);
      expect(await writing.violations()).toEqual([]);
      server = await ServerProcess.start(server.port);
      await expect.poll(() => state.textContent(), { timeout: BACK_WITHIN_MS }).toBe('Connected');
      await writing.text.click();
      await writing.press('Control+End');
      await writing.type(' by the');
      await writing.suggestion();
      expect(await writing.written()).toBe(`${OPENING} dog in a house by the`);
    } finally {
      await server.stop();
    }
  });
});

describe('a server that asks for a token', () => {
  let server: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afterword-token-'));
    await writeFile(join(folder, 'tokens'), 'open-sesame\n');
    server = await ServerProcess.start(0, '--token-file', join(folder, 'tokens'));
  }, RESTART_MS);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const connection = (): Promise<string | null> => writing.panel.locator('#connection').textContent();
  const give = async (token: string): Promise<void> => {
    await writing.panel.getByLabel('Server token').fill(token);
    await writing.press('Enter');
  };

  it('is given one in the panel, which unfolds for that, and told again after a reload', async () => {
    writing = await WritingPage.open({ address: server.page, context: { viewport: { width: 375, height: 700 } } });
    await expect.poll(connection).toBe('The server needs a token.');
    expect(await writing.panel.isVisible()).toBe(true);
    expect(await writing.violations()).toEqual([]);
    await give('guess');
    await expect.poll(connection).toBe('The server did not accept this token.');
    await give('open-sesame');
    await expect.poll(connection).toBe('Connected.');
    expect(await writing.panel.getByLabel('Server token').isVisible()).toBe(false);
    await writing.page.reload();
    await expect.poll(() => writing.page.locator('#state').textContent()).toBe('Connected');
    expect(await writing.page.evaluate(() => JSON.stringify(localStorage))).not.toContain('sesame');
  });

  it('has it kept in this browser only if the writer wants that', async () => {
    writing = await WritingPage.open({ address: server.page });
    await expect.poll(connection).toBe('The server needs a token.');
    await writing.panel.getByLabel('Remember in this browser').check();
    await give('open-sesame');
    await expect.poll(connection).toBe('Connected.');
    const other = await writing.another();
    await expect.poll(() => other.page.locator('#state').textContent()).toBe('Connected');
  });
});
