import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const src = fileURLToPath(new URL('../src/', import.meta.url));

const FONTS = ['literata', 'inter'];

/** Adds the fonts' licences, which the list of licences knows nothing of, as it looks at scripts alone. */
const fontLicenses: Plugin = {
  name: 'font-licenses',
  generateBundle() {
    const texts = FONTS.map((font) =>
      readFileSync(`${root}../node_modules/@fontsource-variable/${font}/LICENSE`, 'utf8'),
    );
    this.emitFile({ type: 'asset', fileName: 'licenses-of-fonts.txt', source: texts.join('\n\n') });
  },
};

/** Has browsers that know how wait for the script before they paint: it knows whether all is to be dark. */
const noFlash: Plugin = {
  name: 'no-flash',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

/** Built into the Python package, which serves it. */
export default defineConfig({
  root,
  base: './', // behind a proxy, it may stand anywhere
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
    assetsInlineLimit: 0, // the content-security policy lets no data: URL be a font
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
  },
});
