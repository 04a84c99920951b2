/** The sheet: the editor, and example openings that are offered while it is empty. */

import { Editor, Extension } from '@tiptap/core';
import { Placeholder } from '@tiptap/extensions';
import { StarterKit } from '@tiptap/starter-kit';
import type { Afterword } from 'afterword';
import { GhostText, ghostOf, type ProseMirrorGhost } from 'afterword/tiptap';
import { Direction } from './direction.js';
import { KeptText, keptText, onKeptElsewhere } from './keep.js';

/** Each is an unfinished sentence, so that a suggestion follows at once. */
const OPENINGS: Readonly<Record<string, string>> = {
  'A story': 'The lighthouse had been dark for eleven years when',
  'A letter': 'Dear Anna, thank you for your letter. I was so',
  'A thought': 'There is something about walking in the rain that',
};

/** Headings are short; there are no suggestions in code. */
const BLOCKS = { heading: { maxTokens: 8, stop: 'phrase' }, codeBlock: false } as const;

/**
 * Tab accepts a suggestion. Pressed when there is none, it requests one instead of moving the focus out of the text. After
 * Escape it moves the focus, as in any other field.
 */
const TabStays = Extension.create({
  name: 'tabStays',
  priority: 1, // after lists, where Tab indents

  addKeyboardShortcuts() {
    let escaped = false;
    this.editor.on('mount', () =>
      this.editor.view.dom.addEventListener(
        'keydown',
        ({ key }) => {
          if (key !== 'Tab') escaped = key === 'Escape';
        },
        { capture: true },
      ),
    );
    return {
      Tab: ({ editor }) => {
        if (!escaped) editor.commands.ghostText('ask');
        return !escaped;
      },
    };
  },
});

export interface Sheet {
  editor: Editor;
  ghost: ProseMirrorGhost;
}

/** Creates the editor in `element` with the text that the browser stored. `lost` is told whether storing fails. */
export function laySheet(element: HTMLElement, afterword: Afterword, lost: (lost: boolean) => void): Sheet {
  const editor = new Editor({
    injectCSS: false, // the content-security policy forbids inline styles
    textDirection: 'auto',
    extensions: [
      StarterKit.configure({ heading: { levels: [1, 2, 3] }, link: { openOnClick: false }, trailingNode: false }),
      Placeholder.configure({ placeholder: 'Write a few words and pause.' }),
      GhostText.configure({ afterword, blocks: BLOCKS }),
      Direction,
      TabStays,
    ],
    editorProps: {
      attributes: {
        id: 'text',
        role: 'textbox',
        'aria-label': 'Your text',
        'aria-multiline': 'true',
        dir: 'auto',
        lang: navigator.language,
      },
    },
  });
  const take = (): void => {
    const kept = keptText((content) => editor.schema.nodeFromJSON(content).check());
    if (kept) editor.commands.setContent(kept, { emitUpdate: false });
  };
  take();
  editor.mount(element);
  element.prepend(editor.view.dom);
  const kept = new KeptText(() => editor.getJSON(), lost);
  editor.on('update', () => kept.changed());
  // Windows share one text: those without focus follow the one with it.
  onKeptElsewhere(() => {
    if (!editor.isFocused) take();
  });
  const ghost = ghostOf(editor.state);
  if (!ghost) throw new Error('the editor has no ghost text');
  return { editor, ghost };
}

/** Shows the example openings while there is no text. */
export function offerOpenings(sheet: HTMLElement, openings: HTMLElement, { editor }: Sheet): void {
  const show = (): void => {
    sheet.toggleAttribute('data-empty', editor.isEmpty);
    openings.hidden = !editor.isEmpty;
  };
  for (const [name, text] of Object.entries(OPENINGS)) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', () => {
      editor.view.focus(); // the command `focus` would wait for the next frame
      editor.commands.insertContent({ type: 'text', text });
      editor.commands.ghostText('ask');
    });
    openings.append(button);
  }
  editor.on('transaction', show);
  show();
}
