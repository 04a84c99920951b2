import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The page imports the package by its name; here that is its source.
  resolve: { alias: [{ find: /^afterword$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }] },
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 2 },
});
