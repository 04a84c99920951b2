/** Where ghost text stands: exactly where the text will stand when it is taken, whatever is around it. */

import { afterEach, describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { Desk } from './support/desk.js';
import { difference } from './support/pixels.js';

const OPENING = 'Once upon a time there was a little';
/** Carets make some pixels differ, as forced colours do not let them be hidden. A word that is elsewhere makes more. */
const FEW_PIXELS = 60;

/** How it looks with ghost text in the colour of text, and then with that text taken. */
async function looks(desk: Desk): Promise<[string, string]> {
  await desk.page.evaluate(() => {
    const { style } = document.documentElement;
    style.setProperty('--afterword-color', getComputedStyle(window.example.editable).color);
    style.setProperty('--afterword-fade', '0s');
  });
  await desk.page.addStyleTag({
    content: '.cm-cursorLayer { display: none } .afterword-ghost { text-decoration: none !important }',
  });
  const ghost = await desk.look();
  await desk.press('Tab');
  await desk.page.evaluate(() => window.example.ghost.configure({ enabled: false }));
  return [ghost, await desk.look()];
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
      const [painted, taken] = await looks(desk);
      expect(await desk.text()).toBe(`${OPENING}${ghost} She loved to read and had many friends at school.`);
      expect(await difference(desk.page, painted, taken)).toBeLessThan(FEW_PIXELS);
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
    const [painted, taken] = await looks(desk);
    expect(await desk.text()).toBe(`A tale of old. ${OPENING}${ghost}`);
    expect(await difference(desk.page, painted, taken)).toBeLessThan(FEW_PIXELS);
  });
});
