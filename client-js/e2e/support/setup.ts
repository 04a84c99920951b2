/** What all browser tests share: one server with its model, one browser, and the example pages, built as for users. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { quickStarts } from '../../scripts/quick-starts.mjs';
import { findChromium } from './chromium.js';
import { ServerProcess } from './server-process.js';

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
    /** Names of the editors that the README has a quick start for. */
    quickStarts: string[];
    /** Where the browser listens for those who steer it. */
    browser: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('there is no chromium');
  const ends: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const call of ends.reverse()) await call();
  };
  try {
    const server = await ServerProcess.start();
    ends.push(() => server.stop());
    const folder = await mkdtemp(join(tmpdir(), 'afterword-examples-'));
    ends.push(() => rm(folder, { recursive: true }));
    project.provide('quickStarts', await quickStarts());
    await build({ configFile: EXAMPLES, logLevel: 'error', build: { outDir: folder } });
    const pages = await preview({
      configFile: EXAMPLES,
      build: { outDir: folder },
      preview: { host: '127.0.0.1', port: 0 },
    });
    ends.push(() => pages.close());
    const browser = await chromium.launchServer({ executablePath, args: FLAGS });
    ends.push(() => browser.close());
    project.provide('server', server.url);
    project.provide('examples', pages.resolvedUrls?.local[0] ?? '');
    project.provide('browser', browser.wsEndpoint());
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}
