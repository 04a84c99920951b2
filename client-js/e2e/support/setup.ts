/** What all browser tests share: one server with its model, one browser, and the example pages, built as for users. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { Server } from './server.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const EXAMPLES = fileURLToPath(new URL('../../examples/vite.config.ts', import.meta.url));

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the server, `ws://…/v1`. */
    server: string;
    /** Address of the example pages. */
    examples: string;
    /** Where the browser listens for those who steer it. */
    browser: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `there is no ${CHROMIUM}: install chromium (Debian: apt install chromium), or name one with CHROMIUM=`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'afterword-examples-'));
  await build({ configFile: EXAMPLES, logLevel: 'error', build: { outDir: folder } });
  const pages = await preview({
    configFile: EXAMPLES,
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const browser = await chromium.launchServer({ executablePath: CHROMIUM, args: FLAGS });
  const server = await Server.start();
  project.provide('server', server.url);
  project.provide('examples', pages.resolvedUrls?.local[0] ?? '');
  project.provide('browser', browser.wsEndpoint());
  return async () => {
    await Promise.all([server.stop(), browser.close(), pages.close()]);
    await rm(folder, { recursive: true });
  };
}
