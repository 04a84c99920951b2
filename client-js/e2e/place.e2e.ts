/** Where ghost text stands: exactly where the text will stand when it is taken, whatever is around it. */

import { afterEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { Desk } from './support/desk.js';
import { difference } from './support/pixels.js';

const OPENING = 'Once upon a time there was a little';
/** Of what ghost text a pixel out of place would cost, the share that may differ. */
const TOLERATED = 0.02;

/**
 * How many pixels change when ghost text, in the colour of text, is taken; and how many change when it is moved aside
 * by a single pixel, which is the least that a writer could see.
 */
async function compare(desk: Desk): Promise<{ taking: number; moving: number }> {
  await desk.page.evaluate(() => {
    const { style } = document.documentElement;
    style.setProperty('--afterword-color', getComputedStyle(window.example.editable).color);
    style.setProperty('--afterword-fade', '0s');
  });
  await desk.page.addStyleTag({
    content: '.cm-cursorLayer { display: none } .afterword-ghost { text-decoration: none !important }',
  });
  const ghost = await desk.look();
  const aside = await desk.page.addStyleTag({ content: '.afterword-ghost { position: relative; left: 1px }' });
  const moved = await desk.look();
  await aside.evaluate((element) => (element as Element).remove());
  await desk.press('Tab');
  await desk.page.evaluate(() => window.example.ghost.configure({ enabled: false }));
  const taken = await desk.look();
  return { taking: await difference(desk.page, ghost, taken), moving: await difference(desk.page, ghost, moved) };
}

describe.each(BINDINGS)('%s', (binding) => {
  let desk: Desk;
  afterEach(() => desk.close());

  // Forced colours overrule the page's, and with them what hides text that a copy shows moved along.
  it.each(['none', 'active'] as const)(
    'paints ghost text where the text would stand, over several lines and before other text; forced colours: %s',
    async (forcedColors) => {
      desk = await Desk.open(binding, { context: { viewport: { width: 360, height: 700 }, forcedColors } });
      await desk.set(' She loved to read and had many friends at school.');
      await desk.press('Home', 'Control+Home');
      await desk.write(OPENING);
      const ghost = await desk.whole();
      expect(ghost.length).toBeGreaterThan(3);
      const { taking, moving } = await compare(desk);
      expect(await desk.text()).toBe(`${OPENING}${ghost} She loved to read and had many friends at school.`);
      expect(taking).toBeLessThan(moving * TOLERATED);
    },
  );

  it('keeps it at the caret when a program changes text elsewhere', async () => {
    desk = await Desk.open(binding);
    await desk.write(OPENING);
    const ghost = await desk.whole();
    await desk.page.evaluate(() => window.example.prepend('A tale of old. '));
    expect(await desk.text()).toBe(`A tale of old. ${OPENING}`);
    expect(await desk.ghost()).toBe(ghost);
    await desk.press('Control+ArrowRight');
    const text = await desk.text();
    expect(`A tale of old. ${OPENING}${ghost}`.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(`A tale of old. ${OPENING}`.length);
    const { taking, moving } = await compare(desk);
    expect(await desk.text()).toBe(`A tale of old. ${OPENING}${ghost}`);
    expect(taking).toBeLessThan(moving * TOLERATED);
  });
});
