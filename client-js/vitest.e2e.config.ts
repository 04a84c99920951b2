import { defineConfig } from 'vitest/config';
import { findChromium } from './e2e/support/chromium.js';

const missing = 'no chromium here (Debian: apt install chromium; elsewhere name one with CHROMIUM=)';
const found = findChromium() !== null;
if (!found && process.env.CI === 'true') throw new Error(missing);
if (!found) console.warn(`==> Browser tests SKIPPED: ${missing}`);

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
