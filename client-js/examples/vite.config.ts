import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const src = fileURLToPath(new URL('../src/', import.meta.url));
const pages = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());

/** Examples import the package by its name, as anybody would; here that is its source. */
export default defineConfig({
  root,
  base: './',
  resolve: {
    alias: [
      { find: /^afterword$/, replacement: `${src}index.ts` },
      { find: /^afterword\/(.*)$/, replacement: `${src}$1.ts` },
    ],
  },
  build: {
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: [`${root}index.html`, ...pages.map(({ name }) => `${root}${name}/index.html`)] },
  },
});
