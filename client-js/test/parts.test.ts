import { describe, expect, it } from 'vitest';
import { partLength, type Part } from '../src/index.js';

const first = (text: string, part: Part, language?: string): string => text.slice(0, partLength(text, part, language));

describe('the first part of ghost text', () => {
  it.each([
    [' brown fox', ' brown'],
    ['n fox', 'n'],
    [', and then', ', and'],
    ["don't go", "don't"],
    ['...', '...'],
    ['東京に行く', '東京', 'ja'],
    ['สวัสดีครับ', 'สวัสดี', 'th'],
    ['no tag', 'no', 'not a language tag'],
  ])('word: %s', (text, word, language?: string) => expect(first(text, 'word', language)).toBe(word));

  it.each([
    [' brown, fox', ' brown,'],
    [' 3.14 and so, on', ' 3.14 and so,'],
    ['“quite,” he said', '“quite,”'],
    ['東京に、行く', '東京に、'],
    ['no end', 'no end'],
  ])('phrase: %s', (text, phrase) => expect(first(text, 'phrase')).toBe(phrase));

  it.each([
    [' it is, so. Yes', ' it is, so.'],
    ['is it?” Yes', 'is it?”'],
    ['行く。はい', '行く。'],
  ])('sentence: %s', (text, sentence) => expect(first(text, 'sentence')).toBe(sentence));

  it('all is all', () => expect(first('a b. c', 'all')).toBe('a b. c'));
});
