/**
 * The direction of lists and quotations, where their bullets and bars stand: that of the text they begin with.
 *
 * Paragraphs have `dir="auto"` and need nothing more. For what holds paragraphs, `auto` would not look into them, as
 * HTML has it, and a style sheet that asks for their direction is not told when it changes.
 */

import { Extension } from '@tiptap/core';
import type { Node } from '@tiptap/pm/model';
import { Plugin } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';

/** Text whose first letter belongs to a script written from right to left. */
const RIGHT_TO_LEFT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** A first letter further on does not count. */
const LOOK_AT = 200;

const isRightToLeft = (node: Node): boolean =>
  RIGHT_TO_LEFT.test(node.textBetween(0, Math.min(node.content.size, LOOK_AT), ' '));

/** A decoration for each block of blocks that runs from right to left. */
function turned(doc: Node): DecorationSet {
  const turns: Decoration[] = [];
  doc.descendants((node, at) => {
    if (node.isTextblock) return false;
    if (isRightToLeft(node)) turns.push(Decoration.node(at, at + node.nodeSize, { dir: 'rtl' }));
    return true;
  });
  return DecorationSet.create(doc, turns);
}

export const Direction = Extension.create({
  name: 'direction',

  addProseMirrorPlugins: () => [
    new Plugin<DecorationSet>({
      state: {
        init: (_, { doc }) => turned(doc),
        apply: (transaction, was) => (transaction.docChanged ? turned(transaction.doc) : was),
      },
      props: {
        decorations(state) {
          return this.getState(state);
        },
      },
    }),
  ],
});
