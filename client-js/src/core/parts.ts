/**
 * Where the first word, phrase or sentence of ghost text ends, by the client's own rules.
 *
 * They apply until `done` brings the server's boundaries, and for parts that the server does not name.
 */

export type Part = 'word' | 'phrase' | 'sentence' | 'all';

/** Matches the end of a part: marks before a space, or wide marks, which need none, with closing quotes or brackets. */
const end = (marks: string, wide: string): RegExp =>
  new RegExp(`[${marks}\u2026][\\p{Pe}\\p{Pf}"']*(?=\\s|$)|[${wide}\u3002\uff0e\uff01\uff1f][\\p{Pe}\\p{Pf}]*`, 'u');
const PHRASE_END = end('\\p{Term}\u2013\u2014', '\u3001\uff0c\uff1a\uff1b');
const SENTENCE_END = end('\\p{STerm}', '');
/** UTF-16 units of the first `part` of `text`; all of it when the part does not end inside. */
export function partLength(text: string, part: Part, language?: string): number {
  if (part === 'all') return text.length;
  if (part === 'word') return wordLength(text, language);
  const match = (part === 'phrase' ? PHRASE_END : SENTENCE_END).exec(text);
  return match ? match.index + match[0].length : text.length;
}

function wordLength(text: string, language?: string): number {
  for (const { index, segment, isWordLike } of segmenter(language).segment(text)) {
    if (isWordLike) return index + segment.length;
  }
  return text.length;
}

const segmenters = new Map<string | undefined, Intl.Segmenter>();

/** A word segmenter for a language. They are slow to create, so they are cached. */
function segmenter(language?: string): Intl.Segmenter {
  let made = segmenters.get(language);
  if (!made) {
    try {
      made = new Intl.Segmenter(language, { granularity: 'word' });
    } catch {
      made = new Intl.Segmenter(undefined, { granularity: 'word' }); // not a language tag
    }
    segmenters.set(language, made);
  }
  return made;
}
