/** The texts of the writing page. */

import { describe, expect, it } from 'vitest';
import { connectionText, countWords, inMs, keyName, SILENCES, titleOf } from '../page/words.js';
import { WELCOME } from './support/fake-server.js';

describe('a connection', () => {
  it('says when the next attempt is, and that the text is safe', () => {
    const state = { name: 'waiting', retryAt: 5200, code: 1006 } as const;
    expect(connectionText(state, 1000, false)).toMatchObject({ mood: 'away', brief: 'Offline' });
    expect(connectionText(state, 1000, false).full).toMatch(/keep writing.* in 5 s\.$/);
    expect(connectionText(state, 9000, false).full).toMatch(/now\.$/);
  });

  it('says that the model is restarting, until it is back', () => {
    const ready = { name: 'ready', welcome: WELCOME, draining: false } as const;
    expect(connectionText({ ...ready, engineLost: true }, 0, false)).toMatchObject({ brief: 'Model restarting' });
    expect(connectionText({ ...ready, engineLost: false }, 0, false)).toMatchObject({ brief: 'Connected' });
  });

  it('tells a missing token from a wrong one, and both from other refusals', () => {
    const refused = (code: number, hadToken: boolean): string =>
      connectionText({ name: 'refused', code, reason: 'no such thing' }, 0, hadToken).full;
    expect(refused(4401, false)).toBe('The server needs a token.');
    expect(refused(4401, true)).toBe('The server did not accept this token.');
    expect(refused(4406, true)).toContain('no such thing');
  });
});

it('every reason is a sentence of its own', () => {
  const sentences = Object.values(SILENCES);
  expect(sentences.filter((sentence) => !/^[A-Z].*\.$/.test(sentence))).toEqual([]);
  expect(new Set(sentences).size).toBe(sentences.length);
});

it('words are counted in every script', () => {
  expect(countWords('')).toBe(0);
  expect(countWords('It’s 5 o’clock — already!\nYes.')).toBe(5);
  expect(countWords('今日は良い天気です')).toBeGreaterThan(2);
});

it('a text is named after its first line', () => {
  expect(titleOf('\n  \n  A title \nmore')).toBe('A title');
  expect(titleOf('')).toBe('');
  expect(titleOf('🐈'.repeat(100))).toBe('🐈'.repeat(60));
});

it('times are as exact as they deserve', () => {
  expect([null, 3.14159, 9.99, 250.4].map(inMs)).toEqual(['–', '3.1 ms', '10.0 ms', '250 ms']);
});

it('keys have the names that stand on them', () => {
  expect(keyName('Mod+Shift+B', false)).toBe('Ctrl+Shift+B');
  expect(keyName('Mod+Shift+B', true)).toBe('⌘⇧B');
  expect(keyName('Alt+,', true)).toBe('⌥,');
});
