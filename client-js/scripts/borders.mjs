/** The borders between core, bindings and page, as configuration of ESLint: who may import what, and no circles. */

import { fileURLToPath } from 'node:url';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';

const BINDINGS = ['codemirror', 'lexical', 'prosemirror', 'quill', 'textarea', 'tiptap'];

/** Who may import what: core nothing else, bindings no other binding, everybody outside of `src` only what is public. */
const zones = [
  {
    target: './src/core',
    from: './src',
    except: ['./core'],
    message: 'core imports no binding and nothing of the page.',
  },
  {
    target: ['./src/dom', './src/shared'],
    from: BINDINGS.map((name) => `./src/${name}`),
    message: 'what bindings share imports no binding.',
  },
  ...BINDINGS.map((name) => ({
    target: `./src/${name}`,
    from: BINDINGS.filter((other) => other !== name).map((other) => `./src/${other}`),
    message: 'a binding imports no other binding; what several need belongs to src/shared.',
  })),
  {
    target: ['./page', './examples', './e2e'],
    from: './src',
    message: "import the package by its public names: 'afterword', 'afterword/tiptap'.",
  },
  {
    target: './src',
    from: ['./page', './examples', './e2e', './test', './scripts'],
    message: 'the package imports nothing around it.',
  },
];

export const borders = {
  files: ['**/*.ts'],
  plugins: { 'import-x': importX },
  settings: {
    'import-x/extensions': ['.ts', '.js'],
    'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
  },
  rules: {
    'import-x/no-cycle': ['error', { ignoreExternal: true }],
    'import-x/no-restricted-paths': ['error', { basePath: fileURLToPath(new URL('..', import.meta.url)), zones }],
  },
};
