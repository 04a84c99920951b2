/** The README's instructions to install the package, run as they stand there, in a copy of the checkout. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A generous bound that catches a hang. */
const TIMEOUT_MS = 300_000;
const COPIED = ['README.md', 'BINDINGS.md', 'ACCESSIBILITY.md', 'docs', 'src', 'package.json', 'tsconfig.json'];

it('a tarball is built, installed and imported', { timeout: TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-install-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [checkout, app] = [join(folder, 'client-js'), join(folder, 'app')];
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true, "type": "module" }');
  for (const name of [...COPIED, 'tsconfig.build.json'])
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'), 'junction');

  const section = /^## Install\n([^]*?)(?=^## )/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  const [build, install] = [...section.matchAll(/```sh\n(.*)\n```/g)].map(([, command = '']) => command);
  // The packages that `npm ci` installs are there already.
  expect(build).toContain('npm ci && ');
  const run = (command: string, cwd: string): string =>
    execFileSync('sh', ['-c', command], {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, npm_config_offline: 'true' },
    });
  run(build!.replace('npm ci && ', ''), folder);
  run(install!.replace('path/to', folder), app);
  const names = run(
    `node --input-type=module -e "
      const names = ['afterword', 'afterword/dom', 'afterword/textarea'];
      const entries = await Promise.all(names.map((name) => import(name)));
      console.log(entries.flatMap(Object.keys).join(' '))"`,
    app,
  );
  for (const name of ['Afterword', 'Connection', 'DEFAULTS', 'ghostElement', 'KEYMAP', 'attach'])
    expect(names.split(/\s/)).toContain(name);
});
