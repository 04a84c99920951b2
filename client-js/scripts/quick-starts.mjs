/**
 * Makes a page of every quick start in the README, at `examples/quickstart/`, where the types are checked and the
 * browser tests write. What the README does not say, such a page does not have.
 */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const README = new URL('../README.md', import.meta.url);
const PAGES = new URL('../examples/quickstart/', import.meta.url);

const ELEMENT = /`(<[^`]*>)`/g;
const CODE = /```ts\n([^]*?)```/;
/** What the README says to be the same for all editors. */
const COMMON = /^(import \{ Afterword \}|const afterword =).*$/gm;
const FIND_EDITOR = "const editor = document.querySelector<HTMLElement>('#editor')!;";

/** Writes the pages; returns the names of the editors, which are those of their folders. */
export async function quickStarts() {
  const readme = await readFile(README, 'utf8');
  const chapter = /^## Quick start\n([^]*?)(?=^## )/m.exec(readme)?.[1] ?? '';
  const names = [];
  let common = '';
  let element = '';
  await rm(PAGES, { recursive: true, force: true });
  for (const section of chapter.split(/^### /m)) {
    const code = CODE.exec(section)?.[1];
    const name = /from 'afterword\/(\w+)'/.exec(code ?? '')?.[1];
    if (!code || !name) throw new Error(`no quick start in: ${section.slice(0, 80)}`);
    const mine = section.slice(0, section.indexOf('```ts')).match(ELEMENT)?.at(-1) ?? element;
    const whole = common === '' ? code : `${common}\n${FIND_EDITOR}\n${code}`;
    if (common === '') common = code.match(COMMON)?.join('\n') ?? '';
    // For the editors further down the README names an element after the first code.
    element = section.match(ELEMENT)?.at(-1) ?? element;
    await mkdir(new URL(`${name}/`, PAGES), { recursive: true });
    await writeFile(new URL(`${name}/main.ts`, PAGES), `${whole}\nexport {};\n`);
    await writeFile(new URL(`${name}/index.html`, PAGES), page(name, mine.replaceAll('`', '')));
    names.push(name);
  }
  return names;
}

const page = (name, element) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <link rel="icon" href="data:," />
    <title>${name}</title>
  </head>
  <body>
    ${element}
    <script type="module" src="./main.ts"></script>
  </body>
</html>
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) await quickStarts();
