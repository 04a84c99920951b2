/** The borders between core, bindings and page, which `npm run check` keeps: a forbidden import is caught. */

import { fileURLToPath } from 'node:url';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { borders } from '../scripts/borders.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } }, borders] as Linter.Config[],
});

/** The rules about imports that `path` breaks when it begins with this import. */
async function broken(path: string, from: string): Promise<string[]> {
  const [result] = await eslint.lintText(`import '${from}';\n`, { filePath: `${root}${path}` });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

describe('an import is refused', () => {
  it.each([
    ['of a binding by core', 'src/core/mirror.ts', '../quill/index.js'],
    ['of shared code by core', 'src/core/mirror.ts', '../dom/index.js'],
    ['of another binding by a binding', 'src/tiptap/index.ts', '../prosemirror/index.js'],
    ['of a binding by shared code', 'src/shared/block-overlay.ts', '../quill/index.js'],
    ['of a source file by the page', 'page/main.ts', '../src/core/afterword.js'],
    ['of the page by the package', 'src/core/mirror.ts', '../../page/words.js'],
  ])('%s', async (_, path, from) => {
    expect(await broken(path, from)).toContain('import-x/no-restricted-paths');
  });

  it('in a circle', async () => {
    expect(await broken('src/core/text.ts', './mirror.js')).toEqual(['import-x/no-cycle']);
  });
});

it('allows imports downwards', async () => {
  expect(await broken('src/quill/index.ts', '../shared/block-overlay.js')).toEqual([]);
  expect(await broken('src/core/mirror.ts', './text.js')).toEqual([]);
});
