/** What `package.json` promises of the package. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const read = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(new URL(path, root), 'utf8')) as Record<string, unknown>;

const described = await read('package.json');
const entries = Object.values(described.exports as Record<string, { default: string } | string>).flatMap((entry) =>
  typeof entry === 'string' ? [] : [entry.default.replace('./dist/', 'src/').replace(/js$/, 'ts')],
);

it('has a source for each entry, and a reference of each', async () => {
  expect(entries.filter((entry) => !existsSync(new URL(entry, root)))).toEqual([]);
  expect([...((await read('typedoc.json')).entryPoints as string[])].sort()).toEqual(entries.sort());
});

it('has the files it names, but for those that are built', () => {
  const files = described.files as string[];
  expect(files.filter((file) => file !== 'dist' && !existsSync(new URL(file, root)))).toEqual([]);
});

it('brings nothing along, and asks for no editor that is not there', () => {
  expect(described.dependencies).toBeUndefined();
  expect(described.peerDependenciesMeta).toEqual(
    Object.fromEntries(Object.keys(described.peerDependencies as object).map((name) => [name, { optional: true }])),
  );
});

it.each(entries)('%s can be imported where there is no page', async (entry) => {
  expect(globalThis).not.toHaveProperty('document');
  expect(Object.keys((await import(new URL(entry, root).href)) as object)).not.toEqual([]);
});
