/**
 * Takes the picture of the page that the README shows: `npm run picture`, while `make serve` runs.
 *
 * What stands in it was written by the keys below and by the model; further arguments are the page's address and the
 * file to write.
 */

import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [address = 'http://127.0.0.1:8765/', file = fileURLToPath(new URL('../../docs/page.png', import.meta.url))] =
  process.argv.slice(2);
const KEY_MS = 60;
/** Time for the model to finish its suggestion. */
const LOOK_MS = 1_200;

/** What is typed; `Tab` takes what the model has added by then. */
const SCRIPT = [
  '# The lighthouse\n',
  'The lighthouse at the end of the harbour had been dark for eleven years when ',
  'Tab',
  ' Nobody in the village spoke of it, and the children were told ',
  'Tab',
  '\nThat autumn, a young woman came with the ferry. She carried two things:\n',
  '- a letter that had never been opened\n',
  'a key\n\n',
  'She asked the first man she met ',
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({
  viewport: { width: 1180, height: 740 },
  deviceScaleFactor: 1.5,
  colorScheme: 'light',
});
await page.goto(address);
await page.waitForSelector('.ProseMirror-focused');
for (const keys of SCRIPT) {
  if (keys === 'Tab') await page.keyboard.press('Tab');
  else await page.keyboard.type(keys, { delay: KEY_MS });
  await page.waitForTimeout(LOOK_MS);
}
await page.waitForSelector('.afterword-ghost');
await page.screenshot({ path: file });
await browser.close();
console.log(file);
