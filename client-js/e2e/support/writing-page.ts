/** The page to write on, as its server serves it: opened in the browser, written on, and looked at from outside. */

import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { inject } from 'vitest';

/** Ghost text that does not come within this time does not come. */
const PATIENCE_MS = 15_000;
const GAP_MS = 40;

export interface WritingPageOptions {
  context?: BrowserContextOptions;
  /** Another server than the one that all tests share: its page's address. */
  address?: string;
  /** Errors in the console that are to be expected. */
  mayFail?: RegExp;
}

export class WritingPage {
  readonly text: Locator;
  readonly ghost: Locator;
  readonly panel: Locator;
  readonly toolbar: Locator;
  readonly fold: Locator;
  /** Addresses that the page asked for something. */
  readonly asked: string[] = [];
  readonly #complaints: string[] = [];

  private constructor(
    readonly browser: Browser,
    readonly page: Page,
    readonly address: string,
    mayFail?: RegExp,
  ) {
    this.text = page.getByRole('textbox', { name: 'Your text' });
    this.ghost = page.locator('.afterword-ghost');
    this.panel = page.getByRole('complementary', { name: 'Figures and keys' });
    this.toolbar = page.getByRole('toolbar', { name: 'Formatting' });
    this.fold = page.getByRole('button', { name: 'Figures and keys' });
    this.#watch(page, mayFail);
  }

  /** Opens the page in a browser that has never seen it. */
  static async open({ context = {}, address, mayFail }: WritingPageOptions = {}): Promise<WritingPage> {
    const browser = await chromium.connect(inject('browser'));
    const where = address ?? inject('server').replace(/^ws/, 'http').replace(/v1$/, '');
    const writing = new WritingPage(browser, await (await browser.newContext(context)).newPage(), where, mayFail);
    const answer = await writing.page.goto(where);
    if (answer?.status() !== 200) throw new Error(`there is no page: run \`make page\` first\n${await answer?.text()}`);
    return writing;
  }

  /** Another window of the same browser. */
  async another(): Promise<WritingPage> {
    const writing = new WritingPage(this.browser, await this.page.context().newPage(), this.address);
    await writing.page.goto(this.address);
    return writing;
  }

  /** Closes the browser. Fails if the page complained about anything, such as what its policy forbids. */
  async close(): Promise<void> {
    await this.browser.close();
    if (this.#complaints.length > 0) throw new Error(`the page complained:\n${this.#complaints.join('\n')}`);
  }

  /** Types with real key events, where the focus is. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: GAP_MS });
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** What is written, without ghost text, blocks a line feed apart. */
  written(): Promise<string> {
    return this.text.evaluate((element) => {
      const copy = element.cloneNode(true) as HTMLElement;
      for (const ghost of copy.querySelectorAll('.afterword-ghost')) ghost.remove();
      return [...copy.querySelectorAll('p, h1, h2, h3, pre')].map((block) => block.textContent).join('\n');
    });
  }

  /** What is written in the first element that a selector finds, without ghost text. */
  writtenIn(selector: string): Promise<string> {
    return this.text
      .locator(selector)
      .first()
      .evaluate((element) => {
        const copy = element.cloneNode(true) as HTMLElement;
        for (const ghost of copy.querySelectorAll('.afterword-ghost')) ghost.remove();
        return copy.textContent;
      });
  }

  /** Waits for ghost text that stays as it is for a while, and returns it. */
  async suggestion(): Promise<string> {
    await this.ghost.waitFor({ timeout: PATIENCE_MS });
    for (let before = ''; ;) {
      const now = (await this.ghost.textContent()) ?? '';
      if (now === before) return now;
      before = now;
      await this.page.waitForTimeout(600);
    }
  }

  /** What the panel says under a heading of its lists. */
  figure(name: string): Locator {
    return this.panel.locator('dl > div', { has: this.page.getByText(name, { exact: true }) }).locator('dd');
  }

  /** What axe-core finds wrong with the page as it is: one line for each element. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
  }

  /** Whether a part of the page can only be seen by scrolling sideways. */
  overflows(): Promise<boolean> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('body, body *')].some((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 1 && (left < -1 || right > innerWidth + 1);
      }),
    );
  }

  #watch(page: Page, mayFail?: RegExp): void {
    const complain = (text: string): void => {
      if (!mayFail?.test(text)) this.#complaints.push(text);
    };
    page.on('pageerror', (error) => complain(String(error.stack)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(message.text());
    });
    page.on('request', (request) => this.asked.push(request.url()));
    page.on('websocket', (socket) => this.asked.push(socket.url()));
  }
}
