/** An example page in the browser: typing with real keys, reading text and ghost text, and a record of what was painted. */

import { chromium, type BrowserContextOptions, type CDPSession, type Page } from 'playwright-core';
import { inject } from 'vitest';
import type {} from '../../examples/example.js';
import { SAME_EVERYWHERE } from './environment.js';
import { recorder, type Recording } from './recorder.js';

/** A generous bound on waiting for ghost text. */
const TIMEOUT_MS = 15_000;
/** As typing speed is usually counted. */
const CHARACTERS_PER_WORD = 5;
/** Faster than anybody types, for tests that do not depend on the speed. */
const QUICK_WPM = 600;
/** Gaps between keystrokes vary by up to this share. */
const UNEVEN = 0.5;

/** The font that `examples/style.css` brings along. */
const FONT = '18px "Literata Variable"';

export interface ExamplePageOptions {
  /** Further parameters of the address: `dir`, `lang`, `options`. */
  query?: Record<string, string>;
  context?: BrowserContextOptions;
  /** Another server than the one that all tests share. */
  server?: string;
  /** Another page than an example. */
  url?: string;
  /** Expected errors of the page. */
  mayFail?: RegExp;
}

export class ExamplePage {
  #errors: string[] = [];
  /** Frames that the page sent, parsed. */
  readonly sent: Record<string, unknown>[] = [];
  #random = 1;

  private constructor(
    readonly page: Page,
    readonly close: () => Promise<void>,
  ) {}

  /** Opens an example and puts the caret into it. */
  static async open(
    name: string,
    { query = {}, context = {}, server, url, mayFail }: ExamplePageOptions = {},
  ): Promise<ExamplePage> {
    const browser = await chromium.connect(inject('browser'));
    const page = await (
      await browser.newContext({
        ...SAME_EVERYWHERE,
        viewport: { width: 900, height: 700 },
        permissions: ['clipboard-read', 'clipboard-write'],
        ...context,
      })
    ).newPage();
    const example = new ExamplePage(page, async () => {
      await browser.close();
      if (example.#errors.length > 0) throw new Error(`the page had errors:\n${example.#errors.join('\n')}`);
    });
    const report = (text: string): void => {
      if (!mayFail?.test(text)) example.#errors.push(text);
    };
    page.on('pageerror', (error) => report(String(error.stack)));
    page.on('console', (message) => {
      if (message.type() === 'error') report(message.text());
    });
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) =>
        example.sent.push(JSON.parse(String(payload)) as Record<string, unknown>),
      );
    });
    await page.addInitScript(`globalThis.__name ??= (f) => f;`);
    await page.addInitScript(recorder);
    const parameters = new URLSearchParams({ server: server ?? inject('server'), ...query });
    await page.goto(url ?? `${inject('examples')}${name}/?${parameters.toString()}`);
    await page.waitForFunction(() => 'example' in window);
    await example.#loadFont();
    await example.focus();
    return example;
  }

  /** Loads the font of the examples, so that no measurement depends on installed fonts. */
  async #loadFont(): Promise<void> {
    const loaded = await this.page.evaluate(async (font) => (await document.fonts.load(font)).length, FONT);
    if (loaded === 0) throw new Error(`the page has no ${FONT}`);
  }

  async focus(): Promise<void> {
    await this.page.evaluate(() => window.example.editable.focus());
  }

  /** Types with real key events, unevenly, but each time in the same way. */
  async write(text: string, wpm = QUICK_WPM): Promise<void> {
    const gapMs = 60_000 / wpm / CHARACTERS_PER_WORD;
    for (const character of text) {
      await this.page.keyboard.type(character);
      // A linear congruential generator after Park and Miller: even enough for this.
      this.#random = (this.#random * 48_271) % 0x7fffffff;
      await this.page.waitForTimeout(gapMs * (1 + UNEVEN * ((2 * this.#random) / 0x7fffffff - 1)));
    }
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** The document, without ghost text. */
  text(): Promise<string> {
    return this.page.evaluate(() => window.example.text());
  }

  async set(text: string): Promise<void> {
    await this.page.evaluate((given) => window.example.set(given), text);
  }

  /** The visible ghost text, or null. */
  ghost(): Promise<string | null> {
    return this.page.evaluate(() => {
      const element = document.querySelector('.afterword-ghost');
      return element?.textContent && element.getClientRects().length > 0 ? element.textContent : null;
    });
  }

  /** Waits for complete ghost text and returns it. */
  async whole(): Promise<string> {
    await this.until(() => window.example.ghost.ghost?.complete === true);
    return (await this.ghost()) ?? '';
  }

  /** Waits for any ghost text. */
  async appears(): Promise<void> {
    await this.until(() => window.example.ghost.ghost !== null);
  }

  /** Waits until there is no ghost text. Browsers report a new selection a little later. */
  async vanishes(): Promise<void> {
    await this.until(() => window.example.ghost.ghost === null);
  }

  /** Waits for a condition in the page; the error of a timeout says what was painted last. */
  async until(holds: () => boolean): Promise<void> {
    try {
      await this.page.waitForFunction(holds, undefined, { timeout: TIMEOUT_MS });
    } catch (cause) {
      const [status, recordings] = [
        await this.page.evaluate(() => window.example.ghost.status()),
        await this.recordings(),
      ];
      throw new Error(`timed out: ${JSON.stringify({ status, last: recordings.slice(-3) })}`, { cause });
    }
  }

  /** Every change of the painted ghost text so far. */
  recordings(): Promise<Recording[]> {
    return this.page.evaluate(() => window.recordings);
  }

  /** A picture of the text, PNG in base64, without the caret. The editor does not notice that it was taken. */
  async look(): Promise<string> {
    // Browsers draw a caret only where the focus is. Making it transparent is not enough: forced colours overrule that.
    const clip = await this.page.evaluate(() => {
      const { editable } = window.example;
      const hide = (event: Event): void => event.stopImmediatePropagation();
      const names = ['blur', 'focusout', 'focus', 'focusin'];
      for (const name of names) addEventListener(name, hide, true);
      editable.blur();
      Object.assign(window, {
        refocus() {
          editable.focus();
          for (const name of names) removeEventListener(name, hide, true);
        },
      });
      const { x, y, width, height } = editable.getBoundingClientRect();
      return { x, y, width, height };
    });
    const picture = await this.page.screenshot({ clip });
    await this.page.evaluate(() => (window as unknown as { refocus(): void }).refocus());
    return picture.toString('base64');
  }

  devtools(): Promise<CDPSession> {
    return this.page.context().newCDPSession(this.page);
  }
}
