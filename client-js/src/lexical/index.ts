/**
 * Ghost text for Lexical: `registerGhostText(editor, afterword)`.
 *
 * It is painted over the editor, so it is never in its state, history or clipboard, nor sent to collaborators.
 */

import {
  $getSelection,
  $isElementNode,
  $isRangeSelection,
  type LexicalEditor,
  type LexicalNode,
  type PointType,
} from 'lexical';
import type { Afterword, GhostDocument } from '../core/afterword.js';
import { announce, commandOf, type BindingOptions } from '../dom/index.js';
import { BlockOverlay } from '../shared/block-overlay.js';
import type { Change, Command } from '../core/events.js';
import { DEFAULTS, type GhostOptions } from '../core/options.js';

export type LexicalOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one editor. Call it to remove the ghost text, as with Lexical's other `register…` functions. */
export interface LexicalGhost {
  (): void;
  readonly document: GhostDocument;
  /** Runs a command as its key would. False when it did not apply. */
  run(command: Command): boolean;
}

/** Lexical reads the result of a composition within this time after its end. */
const COMPOSED_MS = 30;
/** Gives an editor ghost text. */
export function registerGhostText(
  editor: LexicalEditor,
  afterword: Afterword,
  options: LexicalOptions = {},
): LexicalGhost {
  const { announcement = String, keymap } = options;
  const { reachBefore, reachAfter } = { ...DEFAULTS, ...options };
  let overlay: BlockOverlay | null = null;
  let root: HTMLElement | null = null;
  let composing = false;
  /** A change is being made; the ghost text is painted when it is complete. */
  let busy = false;
  /** The kind of the writer's last input since the last change of the text. */
  let input: Change | null = null;

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

  const report = (change: Change): void => {
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
          // With the format at the caret; line feeds become paragraphs.
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
      } else if (event.key === 'Enter') input = 'type';
      else if (/^(Backspace|Delete)$/.test(event.key)) input = 'delete';
    },
    beforeinput({ inputType }: InputEvent) {
      input = inputType.startsWith('delete') ? 'delete' : /Paste|Drop/.test(inputType) ? 'paste' : 'type';
    },
    compositionstart() {
      composing = true;
      report('type');
    },
    compositionend() {
      setTimeout(() => {
        composing = false;
        report('type');
      }, COMPOSED_MS);
    },
    focus: () => report('caret'),
    blur: () => report('caret'),
  };

  const ends = [
    editor.registerRootListener((now, was) => {
      for (const [name, listener] of Object.entries(listeners)) {
        was?.removeEventListener(name, listener as EventListener, true);
        now?.addEventListener(name, listener as EventListener, true);
      }
      overlay?.remove();
      overlay = now && new BlockOverlay(now, () => run('accept'));
      root = now;
      report('set');
    }),
    editor.registerUpdateListener(({ tags, dirtyElements, dirtyLeaves }) => {
      const changed = dirtyElements.size + dirtyLeaves.size > 0;
      if (!changed) report('caret');
      else if (tags.has('historic')) report('undo');
      else if (tags.has('collaboration')) report('remote');
      else report(busy ? 'paste' : (input ?? 'remote'));
      if (changed) input = null;
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

/** The text of a node, with U+FFFC for content that is not text. */
const textOf = (node: LexicalNode): string =>
  $isElementNode(node)
    ? node
        .getChildren()
        .map((child, at) => (at > 0 ? lineBefore(child) : '') + textOf(child))
        .join('')
    : node.getTextContent() || '\ufffc';

/** The separator between a node and the one before it. */
const lineBefore = (node: LexicalNode): string => ($isElementNode(node) && !node.isInline() ? '\n' : '');
