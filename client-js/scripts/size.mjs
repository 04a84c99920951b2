/**
 * What the package weighs in a page: the core, and each binding on top of it without the editor it is for.
 *
 * Printed as a table; the tests hold the brotli sizes, which are what a page costs, against the limits. Sizes in bytes, minified.
 */

import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const CORE = 'index';

/** Each binding, and what it exports to give an editor ghost text. */
const BINDINGS = {
  codemirror: 'ghostText',
  lexical: 'registerGhostText',
  prosemirror: 'ghostText',
  quill: 'attach',
  textarea: 'attach',
  tiptap: 'GhostText',
};

/** The size of a binding is without the core, which a page loads once, and without packages, which its editor needs. */
const withoutCore = {
  name: 'without-core',
  setup(bundle) {
    bundle.onResolve({ filter: /\/core\// }, ({ path }) => ({ path, external: true }));
  },
};

/** Sizes of one entry: of the core, what an application gets that imports `Afterword`. */
async function weigh(name) {
  const core = name === CORE;
  const entry = core ? './src/index.ts' : `./src/${name}/index.ts`;
  const used = `import { ${core ? 'Afterword' : BINDINGS[name]} as used } from '${entry}'; globalThis.used = used;`;
  const { outputFiles } = await build({
    stdin: { contents: used, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    packages: core ? 'bundle' : 'external',
    plugins: core ? [] : [withoutCore],
  });
  const code = outputFiles[0].contents;
  return {
    name,
    minified: code.length,
    gzip: gzipSync(code, { level: 9 }).length,
    brotli: brotliCompressSync(code).length,
  };
}

/** Sizes of the core and of every binding. */
export const sizes = () => Promise.all([CORE, ...Object.keys(BINDINGS)].map(weigh));

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await sizes());
