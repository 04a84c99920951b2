/** A real server in its own process: `afterword serve` with the built-in model. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixedEnvironment } from './environment.js';

/** The first start on a machine converts the model, which takes a while. */
const START_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 15_000;

/** The server's command: `AFTERWORD=` names one, else that of `make setup`. */
export const command = process.env.AFTERWORD ?? fileURLToPath(new URL('../../../.venv/bin/afterword', import.meta.url));

export class ServerProcess {
  readonly #process: ChildProcess;

  private constructor(
    process: ChildProcess,
    /** Where editors connect, `ws://…/v1`. */
    readonly url: string,
  ) {
    this.#process = process;
  }

  /** The address of its page. */
  get page(): string {
    return this.url.replace(/^ws/, 'http').replace(/v1$/, '');
  }

  /** Starts a server and waits until its model answers. Port 0 takes any that is free. */
  static async start(port = 0, ...more: string[]): Promise<ServerProcess> {
    if (!existsSync(command))
      throw new Error(`there is no ${command}: run \`make setup\`, or name one with AFTERWORD=`);
    // Started in a folder of its own, so that neither an afterword.toml there nor one of the user is read.
    const folder = mkdtempSync(join(tmpdir(), 'afterword-server-'));
    const child = spawn(command, ['serve', '--port', String(port), '--model', 'builtin', ...more], {
      cwd: folder,
      env: fixedEnvironment(folder),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    let said = '';
    const url = new Promise<string>((resolve, reject) => {
      const hear = (data: Buffer): void => {
        said += data.toString();
        const found = /(ws:\/\/\S+)/.exec(said);
        if (found?.[1]) resolve(found[1]);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
      setTimeout(() => reject(new Error(`the server is not ready:\n${said}`)), START_WITHIN_MS).unref();
    });
    return new ServerProcess(child, await url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Asks it to stop and waits until it has. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Kills it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill(signal);
    const late = setTimeout(() => this.#process.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(late);
  }
}
