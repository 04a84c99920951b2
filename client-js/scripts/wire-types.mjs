/**
 * Writes the types that the protocol's JSON Schemas imply to `test/generated/`, where a test of types holds
 * `src/protocol.ts` against them.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';

const schemas = new URL('../../protocol/schema/', import.meta.url);
const generated = new URL('../test/generated/', import.meta.url);

await mkdir(generated, { recursive: true });
for (const name of ['client-message', 'server-message']) {
  const schema = JSON.parse(await readFile(new URL(`${name}.json`, schemas), 'utf8'));
  const types = await compile(schema, name, { additionalProperties: false, bannerComment: '', format: false });
  await writeFile(new URL(`${name}.ts`, generated), types);
}
