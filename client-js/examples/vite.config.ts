import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const src = fileURLToPath(new URL('../src/', import.meta.url));
const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => basename(path) === 'index.html',
);

/** Examples import the package by its public names; here these are its sources. */
export default defineConfig({
  root,
  base: './',
  resolve: {
    alias: [
      { find: /^afterword$/, replacement: `${src}index.ts` },
      { find: /^afterword\/(.*)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  build: {
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: pages.map((path) => `${root}${path}`) },
  },
});
