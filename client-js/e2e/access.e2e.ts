/** Accessibility of ghost text: touch, screen readers, right-to-left text, contrast and motion. */

import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import { ExamplePage, type ExamplePageOptions } from './support/example-page.js';

const OPENING = 'Once upon a time there was a little';
let example: ExamplePage;
afterEach(() => example.close());

const open = async (binding: string, options: ExamplePageOptions = {}): Promise<string> => {
  example = await ExamplePage.open(binding, options);
  await example.write(OPENING);
  return example.whole();
};
const style = (...names: string[]): Promise<string[]> =>
  example.page.evaluate((wanted) => {
    const look = getComputedStyle(document.querySelector('.afterword-ghost')!);
    return wanted.map((name) => look.getPropertyValue(name));
  }, names);

describe.each(['textarea', 'tiptap', 'codemirror', 'quill'])('on a touch screen, in %s', (binding) => {
  it('a tap on ghost text takes it, and the caret stays', async () => {
    const ghost = await open(binding, { context: { hasTouch: true, isMobile: true } });
    const place = await example.page.evaluate(() => {
      const { left, top, width, height } = document.querySelector('.afterword-ghost')!.getClientRects()[0]!;
      return { x: left + width / 2, y: top + height / 2 };
    });
    await example.page.touchscreen.tap(place.x, place.y);
    await example.until(() => window.example.ghost.status().accepted > 0);
    expect(await example.text()).toBe(OPENING + ghost);
    await example.write(' And');
    expect(await example.text()).toBe(`${OPENING}${ghost} And`);
  });
});

describe.each(['textarea', 'tiptap', 'codemirror', 'lexical'])('from right to left, in %s', (binding) => {
  it('ghost text stands to the left of the text, and the arrow to the left takes a word', async () => {
    const opening = 'في قديم الزمان كان هناك';
    example = await ExamplePage.open(binding, { query: { dir: 'rtl', lang: 'ar' } });
    await example.write(opening);
    const ghost = await example.whole();
    expect(ghost).toMatch(/\p{Script=Arabic}/u);
    const { ghostRight, blockRight } = await example.page.evaluate(() => ({
      ghostRight: document.querySelector('.afterword-ghost')!.getClientRects()[0]!.right,
      blockRight: window.example.editable.getBoundingClientRect().right,
    }));
    // The text is about this wide, and ghost text is to the left of it.
    expect(blockRight - ghostRight).toBeGreaterThan(opening.length * 3);
    await example.press('Control+ArrowLeft');
    const text = await example.text();
    expect(text.length).toBeGreaterThan(opening.length);
    expect((opening + ghost).startsWith(text)).toBe(true);
  });
});

describe('a screen reader', () => {
  /** Records every announcement. */
  const listen = (): Promise<void> =>
    example.page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      new MutationObserver(() => {
        const region = document.querySelector('[role="status"][aria-live="polite"]');
        if (region?.textContent) said.push(region.textContent);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  const said = (): Promise<string[]> => example.page.evaluate(() => (window as unknown as { said: string[] }).said);

  it.each(['tiptap', 'textarea'])('announces ghost text in %s once, politely, after a pause', async (binding) => {
    example = await ExamplePage.open(binding, { query: { options: '{"announceMs":300}' } });
    await listen();
    // One keystroke, so that there is one suggestion, however slow the machine is.
    await example.set(OPENING.slice(0, -1));
    await example.write(OPENING.slice(-1));
    const ghost = await example.whole();
    await example.until(() => document.querySelector('[role="status"]')?.textContent !== undefined);
    await example.write(ghost.slice(0, 3));
    // Longer than the pause after which another announcement would come.
    await example.page.waitForTimeout(600);
    const texts = [...new Set(await said())];
    expect(texts).toHaveLength(1);
    expect(ghost.startsWith(texts[0] ?? '-')).toBe(true);
    expect(texts[0]).not.toBe('');
  });

  it('announces nothing when that is switched off', async () => {
    example = await ExamplePage.open('tiptap', { query: { options: '{"announceMs":0}' } });
    await listen();
    await example.write(OPENING);
    await example.whole();
    await example.page.waitForTimeout(1200);
    expect(await said()).toEqual([]);
  });

  it.each(['tiptap', 'quill'])('does not read ghost text of %s as if it were text', async (binding) => {
    const ghost = await open(binding, { query: { options: '{"announceMs":0}' } });
    const { nodes } = await (await example.devtools()).send('Accessibility.getFullAXTree');
    // Screen readers read the texts of this tree. The value of the editor itself contains everything painted in it.
    const spoken = nodes.flatMap(({ ignored, name }) => (ignored ? [] : [String(name?.value)]));
    expect(spoken).toContain(OPENING);
    expect(spoken.join('\n')).not.toContain(ghost.trim());
  });
});

describe('system settings', () => {
  it('less motion: ghost text does not fade in', async () => {
    await open('tiptap');
    expect(await style('animation-name')).toEqual(['afterword-appear']);
    await example.page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await style('animation-name')).toEqual(['none']);
  });

  it.each([
    ['tiptap', { contrast: 'more' }],
    ['tiptap', { forcedColors: 'active' }],
    ['textarea', { contrast: 'more' }],
    ['textarea', { forcedColors: 'active' }],
    ['quill', { contrast: 'more' }],
    ['quill', { forcedColors: 'active' }],
  ] as const)('in %s with %o: ghost text is as dark as text, and underlined', async (binding, setting) => {
    await open(binding);
    await example.page.emulateMedia(setting);
    const [color, line, dots] = await style('color', 'text-decoration-line', 'text-decoration-style');
    expect([line, dots]).toEqual(['underline', 'dotted']);
    expect(color).toBe(await example.page.evaluate(() => getComputedStyle(window.example.editable).color));
  });
});

it.each(['textarea', 'tiptap', 'prosemirror', 'codemirror', 'lexical'])(
  'axe finds no fault with %s',
  async (binding) => {
    await open(binding);
    await example.page.addScriptTag({ content: axe.source });
    const { violations } = await example.page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  },
);
