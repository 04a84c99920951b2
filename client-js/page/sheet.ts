/** The sheet of paper: the editor, and openings for those who do not know how to begin. */

import { Editor, Extension } from '@tiptap/core';
import { Placeholder } from '@tiptap/extensions';
import { StarterKit } from '@tiptap/starter-kit';
import type { Afterword } from 'afterword';
import { GhostText, ghostOf, type ProseMirrorGhost } from 'afterword/tiptap';
import { Direction } from './direction.js';
import { KeptText, keptText, onKeptElsewhere } from './keep.js';

/** Ends of nothing yet: each leaves a sentence open, so that there is something to see at once. */
const OPENINGS: Readonly<Record<string, string>> = {
  'A story': 'The lighthouse had been dark for eleven years when',
  'A letter': 'Dear Anna, thank you for your letter. I was so',
  'A thought': 'There is something about walking in the rain that',
};

/** A heading is a few words, and code is not prose. */
const BLOCKS = { heading: { maxTokens: 8, stop: 'phrase' }, codeBlock: false } as const;

/**
 * Tab takes ghost text, and where it is pressed a moment too late, it must not throw the writer out of the text: then it
 * asks for some. After Escape it leaves, as it does in any other field.
 */
const TabStays = Extension.create({
  name: 'tabStays',
  priority: 1, // lists come first, where it indents

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

/** Makes the editor in `element` and gives it the text that the browser kept. `lost`: whether keeping fails. */
export function laySheet(element: HTMLElement, afterword: Afterword, lost: (lost: boolean) => void): Sheet {
  const editor = new Editor({
    injectCSS: false, // by an inline style, which the content-security policy does not let in
    textDirection: 'auto',
    extensions: [
      StarterKit.configure({ heading: { levels: [1, 2, 3] }, link: { openOnClick: false }, trailingNode: false }),
      Placeholder.configure({ placeholder: 'Write a few words, and pause.' }),
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
  // Two windows show one text. The one that is written in goes ahead, the others follow.
  onKeptElsewhere(() => {
    if (!editor.isFocused) take();
  });
  const ghost = ghostOf(editor.state);
  if (!ghost) throw new Error('the editor has no ghost text');
  return { editor, ghost };
}

/** Shows the openings while there is no text. */
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
      editor.view.focus(); // the command of the same name waits for the next frame
      editor.commands.insertContent({ type: 'text', text });
      editor.commands.ghostText('ask');
    });
    openings.append(button);
  }
  editor.on('transaction', show);
  show();
}
