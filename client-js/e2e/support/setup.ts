/** What all browser tests share: one server with its model, one browser, and the built example pages. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { quickStarts } from '../../scripts/quick-starts.mjs';
import { findChromium } from './chromium.js';
import { fixedEnvironment } from './environment.js';
import { ServerProcess } from './server-process.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
  '--lang=en-US',
  // Text is drawn in the same way on every machine.
  '--font-render-hinting=none',
  '--disable-lcd-text',
  '--force-color-profile=srgb',
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
  if (!executablePath) throw new Error('there is no Chromium');
  const ends: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const call of ends.reverse()) await call();
  };
  try {
    const server = await ServerProcess.start();
    ends.push(() => server.stop());
    const folder = await mkdtemp(join(tmpdir(), 'afterword-examples-'));
    const config = await mkdtemp(join(tmpdir(), 'afterword-browser-'));
    ends.push(async () => {
      for (const each of [folder, config]) await rm(each, { recursive: true, force: true });
    });
    project.provide('quickStarts', await quickStarts());
    await build({ configFile: EXAMPLES, logLevel: 'error', build: { outDir: folder } });
    const pages = await preview({
      configFile: EXAMPLES,
      build: { outDir: folder },
      preview: { host: '127.0.0.1', port: 0 },
    });
    ends.push(() => pages.close());
    const browser = await chromium.launchServer({ executablePath, args: FLAGS, env: fixedEnvironment(config) });
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
