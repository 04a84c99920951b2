import { expect, it } from 'vitest';
import { sizes } from '../scripts/size.mjs';

const KB = 1024;

it('weighs little in a page: 8 kB for the core, 3 kB for each binding, minified and compressed with brotli', async () => {
  const [core, ...bindings] = await sizes();
  expect(core.brotli).toBeLessThanOrEqual(8 * KB);
  expect(bindings.map(({ name }) => name)).toEqual([
    'codemirror',
    'lexical',
    'prosemirror',
    'quill',
    'textarea',
    'tiptap',
  ]);
  for (const { name, brotli } of bindings) expect(brotli, name).toBeLessThanOrEqual(3 * KB);
});
