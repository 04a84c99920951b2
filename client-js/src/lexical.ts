/**
 * Ghost text for Lexical: `registerGhostText(editor, afterword)`.
 *
 * Painted over the editor, so never in its state, history or clipboard, nor with collaborators.
 */

import {
  $getSelection,
  $isElementNode,
  $isRangeSelection,
  type LexicalEditor,
  type LexicalNode,
  type PointType,
} from 'lexical';
import type { Afterword, GhostDocument } from './afterword.js';
import { announce, commandOf, type BindingOptions } from './dom.js';
import { Overlay } from './overlay.js';
import { DEFAULTS, type Change, type Command, type GhostOptions } from './vocabulary.js';

export type LexicalOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one editor. Called, it takes the ghost text away, as what Lexical's `register…` functions return. */
export interface LexicalGhost {
  (): void;
  readonly document: GhostDocument;
  /** Does what a key would: true when there was something to do it to. */
  run(command: Command): boolean;
}

/** After the end of a composition Lexical takes a moment to read what came of it. */
const COMPOSED_MS = 30;
/** Gives an editor ghost text. */
export function registerGhostText(
  editor: LexicalEditor,
  afterword: Afterword,
  options: LexicalOptions = {},
): LexicalGhost {
  const { announcement = String, keymap } = options;
  const { reachBefore, reachAfter } = { ...DEFAULTS, ...options };
  let overlay: Overlay | null = null;
  let root: HTMLElement | null = null;
  let composing = false;
  /** The text is changing under the ghost text, which is placed again when that is over. */
  let busy = false;
  /** What the writer did since the last change of the text. */
  let doing: Change | null = null;

  const settle = (): void => {
    busy = false;
    overlay?.paint(document.ghost?.text ?? null);
  };
  const document = afterword.document(
    {
      paint: () => {
        if (!busy) settle();
      },
      announce: (text) => root && announce(root.ownerDocument, announcement(text)),
    },
    options,
  );

  const tell = (change: Change): void => {
    busy = true;
    editor.getEditorState().read(() => {
      const selection = $getSelection();
      const caret = $isRangeSelection(selection) && selection.isCollapsed() ? selection.anchor : null;
      const read = caret && !composing;
      document.update({
        change,
        before: read ? textBeside(caret, -reachBefore) : '',
        after: read ? textBeside(caret, reachAfter) : '',
        selectionEmpty: caret !== null,
        focused: editor.isEditable() && root !== null && root === root.ownerDocument.activeElement,
        composing,
        block: caret?.getNode().getTopLevelElement()?.getType(),
        language: options.language ?? root?.closest<HTMLElement>('[lang]')?.lang,
      });
    });
    settle();
  };

  const run = (command: Command): boolean => {
    busy = true;
    const text = document.command(command);
    if (text) {
      editor.update(
        () => {
          const selection = $getSelection();
          if (!$isRangeSelection(selection)) return;
          // With the format at the caret, line feeds as new paragraphs.
          text.split('\n').forEach((line, at) => {
            if (at > 0) selection.insertParagraph();
            selection.insertText(line);
          });
        },
        { discrete: true, tag: 'history-push' },
      );
    }
    settle();
    return text !== null;
  };

  const listeners: Record<string, (event: never) => void> = {
    keydown(event: KeyboardEvent) {
      const rightToLeft = root !== null && getComputedStyle(root).direction === 'rtl';
      const command = commandOf(event, keymap, rightToLeft);
      if (command && run(command)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else if (event.key === 'Enter') doing = 'type';
      else if (/^(Backspace|Delete)$/.test(event.key)) doing = 'delete';
    },
    beforeinput({ inputType }: InputEvent) {
      doing = inputType.startsWith('delete') ? 'delete' : /Paste|Drop/.test(inputType) ? 'paste' : 'type';
    },
    compositionstart() {
      composing = true;
      tell('type');
    },
    compositionend() {
      setTimeout(() => {
        composing = false;
        tell('type');
      }, COMPOSED_MS);
    },
    focus: () => tell('caret'),
    blur: () => tell('caret'),
  };

  const ends = [
    editor.registerRootListener((now, was) => {
      for (const [name, listener] of Object.entries(listeners)) {
        was?.removeEventListener(name, listener as EventListener, true);
        now?.addEventListener(name, listener as EventListener, true);
      }
      overlay?.remove();
      overlay = now && new Overlay(now, () => run('accept'));
      root = now;
      tell('set');
    }),
    editor.registerUpdateListener(({ tags, dirtyElements, dirtyLeaves }) => {
      const changed = dirtyElements.size + dirtyLeaves.size > 0;
      if (!changed) tell('caret');
      else if (tags.has('historic')) tell('undo');
      else if (tags.has('collaboration')) tell('remote');
      else tell(busy ? 'paste' : (doing ?? 'remote'));
      if (changed) doing = null;
    }),
  ];

  const unregister = (): void => {
    document.close();
    for (const end of ends) end();
  };
  return Object.assign(unregister, { document, run });
}

/** At least `reach` units of text after a point, below 0 before it, or all there is: blocks a line feed apart. */
function textBeside(point: PointType, reach: number): string {
  const { type, offset } = point;
  const back = reach < 0;
  let text = '';
  const add = (more: string): void => void (text = back ? more + text : text + more);
  let node: LexicalNode | null = point.getNode();
  if (type === 'text') add(back ? node.getTextContent().slice(0, offset) : node.getTextContent().slice(offset));
  else if ($isElementNode(node)) {
    const children = node.getChildren();
    for (const child of back ? children.slice(0, offset).reverse() : children.slice(offset)) add(textOf(child));
  }
  while (node && text.length < Math.abs(reach)) {
    const beside: LexicalNode | null = back ? node.getPreviousSibling() : node.getNextSibling();
    if (beside) add(back ? textOf(beside) + lineBefore(node) : lineBefore(beside) + textOf(beside));
    node = beside ?? node.getParent();
  }
  return text;
}

/** The text of a node. What is no text is U+FFFC. */
const textOf = (node: LexicalNode): string =>
  $isElementNode(node)
    ? node
        .getChildren()
        .map((child, at) => (at > 0 ? lineBefore(child) : '') + textOf(child))
        .join('')
    : node.getTextContent() || '\ufffc';

/** What parts a node from the one before it. */
const lineBefore = (node: LexicalNode): string => ($isElementNode(node) && !node.isInline() ? '\n' : '');
