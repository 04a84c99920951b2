/** The quick starts of the README. */

import { chromium } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';

const OPENING = 'Once upon a time there was a little';
const TIMEOUT_MS = 15_000;

it('there is one for each binding', () => {
  expect([...inject('quickStarts')].sort()).toEqual([...BINDINGS].sort());
});

it.each(BINDINGS)('for %s gives an editor ghost text', async (name) => {
  const browser = await chromium.connect(inject('browser'));
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error.stack)));
    // The README names the default port; the test server has another.
    await page.addInitScript((server) => {
      window.WebSocket = class extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
          super(String(url) === 'ws://127.0.0.1:8765/v1' ? server : url, protocols);
        }
      };
    }, inject('server'));
    await page.goto(`${inject('examples')}quickstart/${name}/`);
    await page.click('textarea, [contenteditable="true"]');
    await page.keyboard.type(OPENING, { delay: 20 });
    const ghost = page.locator('.afterword-ghost');
    await ghost.waitFor({ timeout: TIMEOUT_MS });
    await page.keyboard.press('Control+ArrowRight');
    const text = await page.evaluate(() => {
      document.querySelectorAll('.afterword-ghost').forEach((element) => element.remove());
      const field = document.querySelector('textarea');
      return field ? field.value : (document.querySelector<HTMLElement>('[contenteditable="true"]')?.innerText ?? '');
    });
    expect(text.trimEnd().length).toBeGreaterThan(OPENING.length);
    expect(text.startsWith(OPENING)).toBe(true);
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
  }
});
