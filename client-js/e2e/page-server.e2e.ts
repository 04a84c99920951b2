/** The page to write on, when its server goes, comes back, or asks for a token. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Paper } from './support/paper.js';
import { Server } from './support/server.js';

const OPENING = 'Once upon a time there was a little';
const GONE = /WebSocket connection to .* failed/;
const RESTART_MS = 120_000;
const BACK_WITHIN_MS = 60_000;

let paper: Paper;
afterEach(() => paper.close());

describe('a server that goes away', () => {
  it('loses no letter, and brings ghost text back without a reload', { timeout: 2 * RESTART_MS }, async () => {
    let server = await Server.start();
    try {
      paper = await Paper.open({ address: server.page, mayFail: GONE });
      await paper.type(OPENING);
      await paper.suggestion();
      await server.kill();
      const state = paper.page.locator('#state');
      await expect.poll(() => state.textContent()).toBe('Server away');
      expect(await paper.panel.locator('#connection').textContent()).toMatch(
        /Write on: nothing is lost\..* again (in \d+ s|now)/,
      );
      await paper.type(' dog in a house');
      expect(await paper.written()).toBe(`${OPENING} dog in a house`);
      expect(await paper.violations()).toEqual([]);
      server = await Server.start(server.port);
      await expect.poll(() => state.textContent(), { timeout: BACK_WITHIN_MS }).toBe('Connected');
      await paper.text.click();
      await paper.press('Control+End');
      await paper.type(' by the');
      await paper.suggestion();
      expect(await paper.written()).toBe(`${OPENING} dog in a house by the`);
    } finally {
      await server.stop();
    }
  });
});

describe('a server that asks for a token', () => {
  let server: Server;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afterword-token-'));
    await writeFile(join(folder, 'tokens'), 'open-sesame\n');
    server = await Server.start(0, '--token-file', join(folder, 'tokens'));
  }, RESTART_MS);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const connection = (): Promise<string | null> => paper.panel.locator('#connection').textContent();
  const give = async (token: string): Promise<void> => {
    await paper.panel.getByLabel('Token of the server').fill(token);
    await paper.press('Enter');
  };

  it('is given one in the panel, which unfolds for that, and told again after a reload', async () => {
    paper = await Paper.open({ address: server.page, context: { viewport: { width: 375, height: 700 } } });
    await expect.poll(connection).toBe('The server asks for a token.');
    expect(await paper.panel.isVisible()).toBe(true);
    expect(await paper.violations()).toEqual([]);
    await give('guess');
    await expect.poll(connection).toBe('The server did not take this token.');
    await give('open-sesame');
    await expect.poll(connection).toBe('Connected.');
    expect(await paper.panel.getByLabel('Token of the server').isVisible()).toBe(false);
    await paper.page.reload();
    await expect.poll(() => paper.page.locator('#state').textContent()).toBe('Connected');
    expect(await paper.page.evaluate(() => JSON.stringify(localStorage))).not.toContain('sesame');
  });

  it('has it kept in this browser only if the writer wants that', async () => {
    paper = await Paper.open({ address: server.page });
    await expect.poll(connection).toBe('The server asks for a token.');
    await paper.panel.getByLabel('Keep it in this browser').check();
    await give('open-sesame');
    await expect.poll(connection).toBe('Connected.');
    const other = await paper.another();
    await expect.poll(() => other.page.locator('#state').textContent()).toBe('Connected');
  });
});
