import { defineConfig } from 'vitest/config';
import { existsSync } from 'node:fs';
import { findChromium } from './e2e/support/chromium.js';
import { command } from './e2e/support/server-process.js';

const missing = [
  findChromium() ? [] : 'there is no Chromium (on Debian: apt install chromium; elsewhere name one with CHROMIUM=)',
  existsSync(command) ? [] : `there is no server at ${command} (run \`make setup\`, or name one with AFTERWORD=)`,
].flat();
const found = missing.length === 0;
if (!found && process.env.CI === 'true') throw new Error(missing.join('; '));
if (!found) console.warn(`==> Browser tests SKIPPED: ${missing.join('; ')}`);

/**
 * Tests in a real browser against the real server, which they share. Most of their time is spent typing and waiting, so
 * two files run beside each other; no test depends on how fast anything is.
 */
export default defineConfig({
  test: {
    include: found ? ['e2e/**/*.e2e.ts'] : [],
    passWithNoTests: !found,
    globalSetup: found ? ['e2e/support/setup.ts'] : [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
