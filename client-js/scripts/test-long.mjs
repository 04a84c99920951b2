/** `npm run test:long`: the property tests with a random seed and many more runs. The seed is printed, to run it again. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RUNS = 10_000;
/** A generous bound that catches a hang. */
const TIMEOUT_MS = 1_800_000;

const env = { AFTERWORD_TEST_SEED: 'random', AFTERWORD_TEST_RUNS: String(RUNS), ...process.env };
const { status } = spawnSync('npx', ['vitest', 'run', 'property', '--testTimeout', String(TIMEOUT_MS)], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
