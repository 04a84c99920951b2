/** The page to write on for everybody: by keyboard alone, by touch, dark or light, from right to left, read aloud. */

import { afterEach, describe, expect, it } from 'vitest';
import { Paper } from './support/paper.js';

const OPENING = 'Once upon a time there was a little';
const PHONE = { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true };
const HEBREW = 'היה היה פעם ילד קטן';

let paper: Paper;
afterEach(() => paper.close());

/** The name of what has the focus. */
const focused = (): Promise<string | null> =>
  paper.page.evaluate(() => {
    const element = document.activeElement;
    return element && (element.ariaLabel ?? element.id);
  });
const theme = (): Promise<string> => paper.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
const pressed = (name: string): Promise<string | null> =>
  paper.page.getByRole('button', { name, exact: true }).getAttribute('aria-pressed');

describe('by keyboard alone', () => {
  it('one reaches every button, and gets back to the text', async () => {
    paper = await Paper.open();
    await paper.type('plain ');
    await paper.press('Alt+F10');
    expect(await focused()).toBe('Kind of paragraph');
    const names = [];
    for (let i = 0; i < 10; i++) {
      await paper.press('ArrowRight');
      names.push(await focused());
    }
    expect(names.slice(0, 3)).toEqual(['Bold', 'Italic', 'Underline']);
    expect(names.at(-1)).toBe('Kind of paragraph'); // round once
    await paper.press('ArrowRight', 'Enter');
    expect(await focused()).toBe('Bold');
    expect(await pressed('Bold')).toBe('true');
    await paper.press('Escape');
    expect(await focused()).toBe('Your text');
    await paper.type('bold');
    expect(await paper.writtenIn('strong')).toBe('bold');
    // The toolbar is one stop of the Tab key, and remembers where one was.
    await paper.press('Alt+F10');
    expect(await focused()).toBe('Bold');
    await paper.press('Tab');
    expect(await focused()).toBe('Dark');
  });

  it('one makes a heading and a list', async () => {
    paper = await Paper.open();
    await paper.type('A title');
    await paper.press('Alt+F10', 'ArrowDown', 'ArrowDown');
    expect(await focused()).toBe('Kind of paragraph');
    await paper.press('Escape');
    expect(await paper.writtenIn('h2')).toBe('A title');
    await paper.press('Enter', 'Alt+F10', 'End', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Enter', 'Escape');
    await paper.type('first');
    expect(await paper.writtenIn('ol li')).toBe('first');
  });

  it('one leaves the text both ways, switches in the panel, and folds it', async () => {
    paper = await Paper.open();
    await paper.type(OPENING);
    await paper.press('Escape', 'Escape', 'Tab');
    expect(await focused()).toBe('enabled');
    await paper.press('Space');
    expect(await paper.panel.getByRole('switch').isChecked()).toBe(false);
    await paper.press('Space', 'Escape');
    expect(await focused()).toBe('Your text');
    await paper.press('Shift+Tab');
    expect(await focused()).toBe('Figures and keys');
    await paper.press('Enter');
    expect(await paper.panel.isVisible()).toBe(false);
    expect(await paper.fold.getAttribute('aria-expanded')).toBe('false');
    await paper.page.reload();
    expect(await paper.panel.isVisible()).toBe(false);
    await paper.fold.press('Enter');
    expect(await paper.panel.isVisible()).toBe(true);
  });

  it('one takes an opening', async () => {
    paper = await Paper.open();
    await paper.press('Escape', 'Tab', 'Tab', 'Enter');
    expect(await paper.written()).toMatch(/^Dear/);
    await paper.suggestion();
  });
});

describe('light and dark', () => {
  it('follow the system until the writer wants it otherwise', async () => {
    paper = await Paper.open({ context: { colorScheme: 'dark' } });
    expect(await theme()).toBe('dark');
    await paper.page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(theme).toBe('light');
    expect(await pressed('Dark')).toBe('false');
    const dark = paper.page.getByRole('button', { name: 'Dark' });
    await dark.click();
    expect([await theme(), await pressed('Dark')]).toEqual(['dark', 'true']);
    await paper.page.reload();
    expect(await theme()).toBe('dark');
    // Back to what the system has, and to following it.
    await dark.click();
    await paper.page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(theme).toBe('dark');
  });
});

describe('on a phone', () => {
  it('everything fits, the panel begins folded, and a tap takes ghost text', async () => {
    paper = await Paper.open({ context: PHONE });
    expect(await paper.panel.isVisible()).toBe(false);
    expect(await paper.overflows()).toBe(false);
    await paper.text.tap();
    await paper.type(OPENING);
    const ghost = await paper.suggestion();
    expect(await paper.overflows()).toBe(false);
    await paper.ghost.tap();
    await expect.poll(() => paper.written()).toBe(OPENING + ghost);
    await paper.fold.tap();
    expect(await paper.panel.isVisible()).toBe(true);
    expect(await paper.overflows()).toBe(false);
    await paper.panel.getByRole('switch').focus();
    await paper.press('Escape');
    expect(await paper.panel.isVisible()).toBe(false);
  });
});

describe('from right to left', () => {
  it('text, bullets and ghost text go with the script', async () => {
    paper = await Paper.open();
    await paper.type(`- ${HEBREW}`);
    const ghost = await paper.suggestion();
    const item = paper.text.locator('li');
    const direction = (element: Element): string => getComputedStyle(element).direction;
    expect([await item.evaluate(direction), await item.locator('p').evaluate(direction)]).toEqual(['rtl', 'rtl']);
    const sheet = await paper.text.boundingBox();
    const text = await item.locator('p').evaluate((element) => {
      const range = document.createRange();
      range.selectNodeContents(element.firstChild!);
      return range.getBoundingClientRect().toJSON() as DOMRect;
    });
    expect(text.right).toBeGreaterThan(sheet!.x + sheet!.width / 2);
    if (/^\s*[\u0590-\u05ff]/.test(ghost)) expect((await paper.ghost.boundingBox())!.x).toBeLessThan(text.left);
    // Ahead is to the left.
    await paper.press('Control+ArrowLeft');
    const taken = (await paper.written()).slice(HEBREW.length);
    expect(taken.length).toBeGreaterThan(0);
    expect(ghost.startsWith(taken)).toBe(true);
  });

  it('a paragraph in another script keeps its own direction', async () => {
    paper = await Paper.open();
    await paper.type(`${HEBREW}\nand English`);
    const directions = await paper.text
      .locator('p')
      .evaluateAll((blocks) => blocks.map((block) => getComputedStyle(block).direction));
    expect(directions).toEqual(['rtl', 'ltr']);
  });
});

describe('axe-core finds nothing wrong', () => {
  const written = `# A title\n${OPENING} girl. She\n- one\ntwo\n\n> words\n\n`;
  it.each([
    ['empty', {}, ''],
    ['in light', { colorScheme: 'light' }, written],
    ['in dark', { colorScheme: 'dark' }, written],
    ['with more contrast', { contrast: 'more' }, written],
    ['on a phone', PHONE, written],
    ['from right to left', {}, `# שלום\n${HEBREW}`],
  ] as const)('%s', async (_, context, text) => {
    paper = await Paper.open({ context });
    await paper.text.click();
    await paper.type(text);
    if (text) {
      if (text === written) await paper.type(OPENING);
      await paper.suggestion();
    }
    expect(await paper.violations()).toEqual([]);
    await paper.fold.click();
    expect(await paper.violations()).toEqual([]);
  });
});
