/**
 * Sets the direction of lists and quotations, which decides the side of bullets and bars, to that of their first text.
 *
 * Paragraphs have `dir="auto"`. Elements that contain paragraphs with a `dir` of their own need more: by the rules of
 * HTML, `auto` on them does not look into those paragraphs.
 */

import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';

/** Matches text whose first letter is of a right-to-left script. */
const RIGHT_TO_LEFT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** How much text is searched for a first letter. */
const LOOK_AT = 200;

const isRightToLeft = (node: Node): boolean =>
  RIGHT_TO_LEFT.test(node.textBetween(0, Math.min(node.content.size, LOOK_AT), ' '));

/** A decoration for each container block that runs from right to left. */
function directions(doc: Node): DecorationSet {
  const decorations: Decoration[] = [];
  doc.descendants((node, at) => {
    if (node.isTextblock) return false;
    if (isRightToLeft(node)) decorations.push(Decoration.node(at, at + node.nodeSize, { dir: 'rtl' }));
    return true;
  });
  return DecorationSet.create(doc, decorations);
}

export const Direction = Extension.create({
  name: 'direction',

  addProseMirrorPlugins: () => [
    new Plugin<DecorationSet>({
      state: {
        init: (_, { doc }) => directions(doc),
        apply: (transaction, was) => (transaction.docChanged ? directions(transaction.doc) : was),
      },
      props: {
        decorations(state) {
          return this.getState(state);
        },
      },
    }),
  ],
});
