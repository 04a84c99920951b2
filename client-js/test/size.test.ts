import { expect, it } from 'vitest';
import { sizes } from '../scripts/size.mjs';

const KB = 1024;

it('weighs little in a page: 8 kB for the core, 3 kB for each binding, minified and compressed', async () => {
  const [core, ...bindings] = await sizes();
  expect(core.gzip).toBeLessThanOrEqual(8 * KB);
  expect(bindings.map(({ name }) => name)).toContain('textarea');
  for (const { name, gzip } of bindings) expect(gzip, name).toBeLessThanOrEqual(3 * KB);
});
