import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests do not depend on the locale and time zone of the machine.
Object.assign(process.env, { TZ: 'UTC', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' });

export default defineConfig({
  // The page imports the package by its name; here that is its source.
  resolve: { alias: [{ find: /^afterword$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }] },
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 2 },
});
