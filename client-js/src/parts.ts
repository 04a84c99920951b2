/**
 * Taking ghost text in parts when the server has not yet said where its parts end.
 *
 * The server's own boundaries come with `done`; before that, and for a part it does not name, these rules serve.
 */

export type Part = 'word' | 'phrase' | 'sentence' | 'all';

const PHRASE_END =
  /[,;:\u2013\u2014.!?\u2026]["'\u2019\u201d)\]]*(?=\s|$)|[\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff01\uff1f\u061b\u060c\u061f\u0964]/u;
const SENTENCE_END =
  /[.!?\u2026\u061f\u0964]["'\u2019\u201d)\]]*(?=\s|$)|[\u3002\uff0e\uff01\uff1f]["'\u2019\u201d\u300d\u300f]*/u;
/** A word with the space and marks before it, where there is no Segmenter. */
const WORD = /^[^\p{L}\p{N}]*[\p{L}\p{N}\p{M}'\u2019]+/u;

/** Units of the first `part` of `text`; all of it when the part does not end inside. */
export function partLength(text: string, part: Part, language?: string): number {
  if (part === 'all') return text.length;
  if (part === 'word') return wordLength(text, language);
  const match = (part === 'phrase' ? PHRASE_END : SENTENCE_END).exec(text);
  return match ? match.index + match[0].length : text.length;
}

function wordLength(text: string, language?: string): number {
  const words = segmenter(language);
  if (!words) return WORD.exec(text)?.[0].length ?? text.length;
  for (const { index, segment, isWordLike } of words.segment(text)) {
    if (isWordLike) return index + segment.length;
  }
  return text.length;
}

const segmenters = new Map<string | undefined, Intl.Segmenter | null>();

/** A word segmenter for a language, or null in a browser without any. Making one is slow, so they are kept. */
function segmenter(language?: string): Intl.Segmenter | null {
  let made = segmenters.get(language);
  if (made === undefined) {
    // The types say it is always there; Firefox before 125 disagrees.
    const Segmenter = Intl.Segmenter as typeof Intl.Segmenter | undefined;
    try {
      made = Segmenter ? new Segmenter(language, { granularity: 'word' }) : null;
    } catch {
      made = Segmenter ? new Segmenter(undefined, { granularity: 'word' }) : null; // not a language tag
    }
    segmenters.set(language, made);
  }
  return made;
}
