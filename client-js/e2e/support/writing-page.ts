/** The writing page, as the server serves it: opened in the browser, written on, and read. */

import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { SAME_EVERYWHERE } from './environment.js';

/** A generous bound on waiting for ghost text. */
const TIMEOUT_MS = 15_000;
const GAP_MS = 40;

export interface WritingPageOptions {
  context?: BrowserContextOptions;
  /** The page of another server than the shared one. */
  address?: string;
  /** Expected errors in the console. */
  mayFail?: RegExp;
}

export class WritingPage {
  readonly text: Locator;
  readonly ghost: Locator;
  readonly panel: Locator;
  readonly toolbar: Locator;
  readonly fold: Locator;
  /** Addresses of all requests of the page. */
  readonly requested: string[] = [];
  readonly #errors: string[] = [];

  private constructor(
    readonly browser: Browser,
    readonly page: Page,
    readonly address: string,
    mayFail?: RegExp,
  ) {
    this.text = page.getByRole('textbox', { name: 'Your text' });
    this.ghost = page.locator('.afterword-ghost');
    this.panel = page.getByRole('complementary', { name: 'Details' });
    this.toolbar = page.getByRole('toolbar', { name: 'Formatting' });
    this.fold = page.getByRole('button', { name: 'Details' });
    this.#watch(page, mayFail);
  }

  /** Opens the page in a browser that has never seen it. */
  static async open({ context = {}, address, mayFail }: WritingPageOptions = {}): Promise<WritingPage> {
    const browser = await chromium.connect(inject('browser'));
    const where = address ?? inject('server').replace(/^ws/, 'http').replace(/v1$/, '');
    const writing = new WritingPage(
      browser,
      await (await browser.newContext({ ...SAME_EVERYWHERE, ...context })).newPage(),
      where,
      mayFail,
    );
    const answer = await writing.page.goto(where);
    if (answer?.status() !== 200)
      throw new Error(`the server has no page: run \`make page\` first\n${await answer?.text()}`);
    return writing;
  }

  /** Another window of the same browser. */
  async another(): Promise<WritingPage> {
    const writing = new WritingPage(this.browser, await this.page.context().newPage(), this.address);
    await writing.page.goto(this.address);
    return writing;
  }

  /** Closes the browser. Fails if the page had errors, such as violations of its content-security policy. */
  async close(): Promise<void> {
    await this.browser.close();
    if (this.#errors.length > 0) throw new Error(`the page had errors:\n${this.#errors.join('\n')}`);
  }

  /** Types with real key events, where the focus is. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: GAP_MS });
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** The text without ghost text: all of it, blocks a line feed apart, or that of the first element of a selector. */
  written(selector: string | null = null): Promise<string> {
    return this.text.evaluate((element, wanted) => {
      const copy = element.cloneNode(true) as HTMLElement;
      for (const ghost of copy.querySelectorAll('.afterword-ghost')) ghost.remove();
      if (wanted !== null) return copy.querySelector(wanted)?.textContent ?? '';
      return [...copy.querySelectorAll('p, h1, h2, h3, pre')].map((block) => block.textContent).join('\n');
    }, selector);
  }

  /** Waits for ghost text that does not change for a while, and returns it. */
  async suggestion(): Promise<string> {
    await this.ghost.waitFor({ timeout: TIMEOUT_MS });
    for (let before = ''; ;) {
      const now = (await this.ghost.textContent()) ?? '';
      if (now === before) return now;
      before = now;
      await this.page.waitForTimeout(600);
    }
  }

  /** The value beside a label of the panel. */
  figure(name: string): Locator {
    return this.panel.locator('dl > div', { has: this.page.getByText(name, { exact: true }) }).locator('dd');
  }

  /** The violations that axe-core finds, one line for each element. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
  }

  /** Whether a part of the page is outside the window at its sides. */
  overflows(): Promise<boolean> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('body, body *')].some((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 1 && (left < -1 || right > innerWidth + 1);
      }),
    );
  }

  #watch(page: Page, mayFail?: RegExp): void {
    const report = (text: string): void => {
      if (!mayFail?.test(text)) this.#errors.push(text);
    };
    page.on('pageerror', (error) => report(String(error.stack)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) report(message.text());
    });
    page.on('request', (request) => this.requested.push(request.url()));
    page.on('websocket', (socket) => this.requested.push(socket.url()));
  }
}
