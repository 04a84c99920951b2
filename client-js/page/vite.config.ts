import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const src = fileURLToPath(new URL('../src/', import.meta.url));

const FONTS = ['literata', 'inter'];

/** Adds the licences of the fonts; the generated list covers scripts only. */
const fontLicenses: Plugin = {
  name: 'font-licenses',
  generateBundle() {
    const texts = FONTS.map((font) =>
      readFileSync(`${root}../node_modules/@fontsource-variable/${font}/LICENSE`, 'utf8'),
    );
    this.emitFile({ type: 'asset', fileName: 'licenses-of-fonts.txt', source: texts.join('\n\n') });
  },
};

/** Delays the first paint until the script has chosen light or dark, in browsers that support it. */
const noFlash: Plugin = {
  name: 'no-flash',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

/** The build goes into the Python package, which serves it. */
export default defineConfig({
  root,
  base: './', // a proxy may serve it under any path
  plugins: [fontLicenses, noFlash],
  resolve: {
    alias: [
      { find: /^afterword$/, replacement: `${src}index.ts` },
      { find: /^afterword\/(.*)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  build: {
    outDir: '../../server/afterword/page',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content-security policy forbids fonts in data: URLs
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
  },
});
