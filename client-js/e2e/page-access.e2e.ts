/** Accessibility of the writing page: keyboard, touch, themes, right-to-left text, axe-core. */

import { afterEach, describe, expect, it } from 'vitest';
import { WritingPage } from './support/writing-page.js';

const OPENING = 'Once upon a time there was a little';
const PHONE = { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true };
const HEBREW = 'היה היה פעם ילד קטן';

let writing: WritingPage;
afterEach(() => writing.close());

/** The name of the focused element. */
const focused = (): Promise<string | null> =>
  writing.page.evaluate(() => {
    const element = document.activeElement;
    return element && (element.ariaLabel ?? element.id);
  });
const theme = (): Promise<string> =>
  writing.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
const pressed = (name: string): Promise<string | null> =>
  writing.page.getByRole('button', { name, exact: true }).getAttribute('aria-pressed');

describe('by keyboard alone', () => {
  it('one reaches every button, and gets back to the text', async () => {
    writing = await WritingPage.open();
    await writing.type('plain ');
    await writing.press('Alt+F10');
    expect(await focused()).toBe('Paragraph style');
    const names = [];
    for (let i = 0; i < 10; i++) {
      await writing.press('ArrowRight');
      names.push(await focused());
    }
    expect(names.slice(0, 3)).toEqual(['Bold', 'Italic', 'Underline']);
    expect(names.at(-1)).toBe('Paragraph style'); // round once
    await writing.press('ArrowRight', 'Enter');
    expect(await focused()).toBe('Bold');
    expect(await pressed('Bold')).toBe('true');
    await writing.press('Escape');
    expect(await focused()).toBe('Your text');
    await writing.type('bold');
    expect(await writing.written('strong')).toBe('bold');
    // The toolbar is one stop of the Tab key, and remembers where one was.
    await writing.press('Alt+F10');
    expect(await focused()).toBe('Bold');
    await writing.press('Tab');
    expect(await focused()).toBe('Dark mode');
  });

  it('one makes a heading and a list', async () => {
    writing = await WritingPage.open();
    await writing.type('A title');
    await writing.press('Alt+F10', 'ArrowDown', 'ArrowDown');
    expect(await focused()).toBe('Paragraph style');
    await writing.press('Escape');
    expect(await writing.written('h2')).toBe('A title');
    await writing.press('Enter', 'Alt+F10', 'End', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Enter', 'Escape');
    await writing.type('first');
    expect(await writing.written('ol li')).toBe('first');
  });

  it('one leaves the text both ways, switches in the panel, and folds it', async () => {
    writing = await WritingPage.open();
    await writing.type(OPENING);
    await writing.press('Escape', 'Escape', 'Tab');
    expect(await focused()).toBe('enabled');
    await writing.press('Space');
    expect(await writing.panel.getByRole('switch').isChecked()).toBe(false);
    await writing.press('Space', 'Escape');
    expect(await focused()).toBe('Your text');
    await writing.press('Shift+Tab');
    expect(await focused()).toBe('Details');
    await writing.press('Enter');
    expect(await writing.panel.isVisible()).toBe(false);
    expect(await writing.fold.getAttribute('aria-expanded')).toBe('false');
    await writing.page.reload();
    expect(await writing.panel.isVisible()).toBe(false);
    await writing.fold.press('Enter');
    expect(await writing.panel.isVisible()).toBe(true);
  });

  it('one takes an opening', async () => {
    writing = await WritingPage.open();
    await writing.press('Escape', 'Tab', 'Tab', 'Enter');
    expect(await writing.written()).toMatch(/^Dear/);
    await writing.suggestion();
  });
});

describe('light and dark', () => {
  it('follow the system until the writer wants it otherwise', async () => {
    writing = await WritingPage.open({ context: { colorScheme: 'dark' } });
    expect(await theme()).toBe('dark');
    await writing.page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(theme).toBe('light');
    expect(await pressed('Dark mode')).toBe('false');
    const dark = writing.page.getByRole('button', { name: 'Dark mode' });
    await dark.click();
    expect([await theme(), await pressed('Dark mode')]).toEqual(['dark', 'true']);
    await writing.page.reload();
    expect(await theme()).toBe('dark');
    // Back to what the system has, and to following it.
    await dark.click();
    await writing.page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(theme).toBe('dark');
  });
});

describe('on a phone', () => {
  it('everything fits, the panel begins folded, and a tap takes ghost text', async () => {
    writing = await WritingPage.open({ context: PHONE });
    expect(await writing.panel.isVisible()).toBe(false);
    expect(await writing.overflows()).toBe(false);
    await writing.text.tap();
    await writing.type(OPENING);
    const ghost = await writing.suggestion();
    expect(await writing.overflows()).toBe(false);
    await writing.ghost.tap();
    await expect.poll(() => writing.written()).toBe(OPENING + ghost);
    await writing.fold.tap();
    expect(await writing.panel.isVisible()).toBe(true);
    expect(await writing.overflows()).toBe(false);
    await writing.panel.getByRole('switch').focus();
    await writing.press('Escape');
    expect(await writing.panel.isVisible()).toBe(false);
  });
});

describe('from right to left', () => {
  it('text, bullets and ghost text go with the script', async () => {
    writing = await WritingPage.open();
    await writing.type(`- ${HEBREW}`);
    const ghost = await writing.suggestion();
    const item = writing.text.locator('li');
    const direction = (element: Element): string => getComputedStyle(element).direction;
    expect([await item.evaluate(direction), await item.locator('p').evaluate(direction)]).toEqual(['rtl', 'rtl']);
    const sheet = await writing.text.boundingBox();
    const text = await item.locator('p').evaluate((element) => {
      const range = document.createRange();
      range.selectNodeContents(element.firstChild!);
      return range.getBoundingClientRect().toJSON() as DOMRect;
    });
    expect(text.right).toBeGreaterThan(sheet!.x + sheet!.width / 2);
    if (/^\s*[\u0590-\u05ff]/.test(ghost)) expect((await writing.ghost.boundingBox())!.x).toBeLessThan(text.left);
    // Ahead is to the left.
    await writing.press('Control+ArrowLeft');
    const taken = (await writing.written()).slice(HEBREW.length);
    expect(taken.length).toBeGreaterThan(0);
    expect(ghost.startsWith(taken)).toBe(true);
  });

  it('a paragraph in another script keeps its own direction', async () => {
    writing = await WritingPage.open();
    await writing.type(`${HEBREW}\nand English`);
    const directions = await writing.text
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
    writing = await WritingPage.open({ context });
    await writing.text.click();
    await writing.type(text);
    if (text) {
      if (text === written) await writing.type(OPENING);
      await writing.suggestion();
    }
    expect(await writing.violations()).toEqual([]);
    await writing.fold.click();
    expect(await writing.violations()).toEqual([]);
  });
});
