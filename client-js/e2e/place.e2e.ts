/** The place of ghost text: exactly where the accepted text will be, whatever is around it. */

import { afterEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { ExamplePage } from './support/example-page.js';
import { difference } from './support/pixels.js';

const OPENING = 'Once upon a time there was a little';
/** The share of the pixels changed by moving ghost text by one pixel that accepting it may change. */
const TOLERATED = 0.02;

/**
 * How many pixels change when ghost text, in the colour of text, is accepted; and how many when it is moved aside by one
 * pixel, the smallest fault that a writer could see.
 */
async function compare(example: ExamplePage): Promise<{ taking: number; moving: number }> {
  await example.page.evaluate(() => {
    const { style } = document.documentElement;
    style.setProperty('--afterword-color', getComputedStyle(window.example.editable).color);
    style.setProperty('--afterword-fade', '0s');
  });
  await example.page.addStyleTag({
    content: '.cm-cursorLayer { display: none } .afterword-ghost { text-decoration: none !important }',
  });
  const ghost = await example.look();
  const aside = await example.page.addStyleTag({ content: '.afterword-ghost { position: relative; left: 1px }' });
  const moved = await example.look();
  await aside.evaluate((element) => (element as Element).remove());
  await example.press('Tab');
  await example.page.evaluate(() => window.example.ghost.configure({ enabled: false }));
  const taken = await example.look();
  return { taking: await difference(example.page, ghost, taken), moving: await difference(example.page, ghost, moved) };
}

describe.each(BINDINGS)('%s', (binding) => {
  let example: ExamplePage;
  afterEach(() => example.close());

  // Forced colours override those of the page, and could show text that is hidden under a copy.
  it.each(['none', 'active'] as const)(
    'paints ghost text where the text would stand, over several lines and before other text; forced colours: %s',
    async (forcedColors) => {
      example = await ExamplePage.open(binding, { context: { viewport: { width: 360, height: 700 }, forcedColors } });
      await example.set(' She loved to read and had many friends at school.');
      await example.press('Home', 'Control+Home');
      await example.write(OPENING);
      const ghost = await example.whole();
      expect(ghost.length).toBeGreaterThan(3);
      const { taking, moving } = await compare(example);
      expect(await example.text()).toBe(`${OPENING}${ghost} She loved to read and had many friends at school.`);
      expect(taking).toBeLessThan(moving * TOLERATED);
    },
  );

  it('keeps it at the caret when a program changes text elsewhere', async () => {
    example = await ExamplePage.open(binding);
    await example.write(OPENING);
    const ghost = await example.whole();
    await example.page.evaluate(() => window.example.prepend('A tale of old. '));
    expect(await example.text()).toBe(`A tale of old. ${OPENING}`);
    expect(await example.ghost()).toBe(ghost);
    await example.press('Control+ArrowRight');
    const text = await example.text();
    expect(`A tale of old. ${OPENING}${ghost}`.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(`A tale of old. ${OPENING}`.length);
    const { taking, moving } = await compare(example);
    expect(await example.text()).toBe(`A tale of old. ${OPENING}${ghost}`);
    expect(taking).toBeLessThan(moving * TOLERATED);
  });
});
