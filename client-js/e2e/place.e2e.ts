/** Where ghost text stands: exactly where the text will stand when it is taken, whatever is around it. */

import { describe, expect, it } from 'vitest';
import { BINDINGS } from './support/bindings.js';
import { Desk, type DeskOptions } from './support/desk.js';
import { difference } from './support/pixels.js';

const OPENING = 'Once upon a time there was a little';
/** Of the pixels of a page of text, so few may differ; one letter that is elsewhere is more. */
const FEW_PIXELS = 20;

/** How it looks with ghost text in the colour of text, and then with that text taken. */
async function looks(desk: Desk): Promise<[string, string]> {
  await desk.page.evaluate(() => {
    const { style } = document.documentElement;
    style.setProperty('--afterword-color', getComputedStyle(window.example.editable).color);
    style.setProperty('--afterword-fade', '0s');
  });
  await desk.page.addStyleTag({ content: '.cm-cursorLayer { display: none }' });
  const ghost = await desk.look();
  await desk.press('Tab');
  await desk.page.evaluate(() => window.example.ghost.configure({ enabled: false }));
  return [ghost, await desk.look()];
}

describe.each(BINDINGS)('%s', (binding) => {
  const at = async (options: DeskOptions, act: (desk: Desk) => Promise<void>): Promise<void> => {
    const desk = await Desk.open(binding, options);
    try {
      await act(desk);
    } finally {
      await desk.close();
    }
  };

  it('paints ghost text where the text would stand, over several lines and before other text', () =>
    at({ context: { viewport: { width: 360, height: 700 } } }, async (desk) => {
      await desk.set(' She loved to read and had many friends at school.');
      await desk.press('Home', 'Control+Home');
      await desk.write(OPENING);
      const ghost = await desk.whole();
      expect(ghost.length).toBeGreaterThan(3);
      const [painted, taken] = await looks(desk);
      expect(await desk.text()).toBe(`${OPENING}${ghost} She loved to read and had many friends at school.`);
      expect(await difference(desk.page, painted, taken)).toBeLessThan(FEW_PIXELS);
    }));

  it('keeps it at the caret when a program changes text elsewhere', () =>
    at({}, async (desk) => {
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
    }));
});
