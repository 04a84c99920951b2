/** Two editors on one document, as two people would have them, synchronized with Yjs. */

import { Editor } from '@tiptap/core';
import { Collaboration } from '@tiptap/extension-collaboration';
import { StarterKit } from '@tiptap/starter-kit';
import * as Y from 'yjs';
import { Afterword } from 'afterword';
import { GhostText, ghostOf } from 'afterword/tiptap';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });

/** One person's copy of the document, and an editor for it. */
function open(name: string): { document: Y.Doc; editor: Editor; example: Example } {
  const document = new Y.Doc();
  const editor = new Editor({
    element: window.document.querySelector(`#${name}`),
    extensions: [
      // Yjs has its own undo history.
      StarterKit.configure({ undoRedo: false }),
      Collaboration.configure({ document }),
      GhostText.configure({ afterword, ...options }),
    ],
    editorProps: { attributes: { role: 'textbox', 'aria-label': `Text of ${name}`, 'aria-multiline': 'true' } },
  });
  setDirection(editor.view.dom);
  const example: Example = {
    afterword,
    ghost: ghostOf(editor.state)!.document,
    editable: editor.view.dom,
    text: () => editor.getText({ blockSeparator: '\n' }),
    set: (text) => void editor.commands.setContent(text),
    prepend: (text) => void editor.commands.insertContentAt(1, text, { updateSelection: false }),
  };
  return { document, editor, example };
}

const [ada, ben] = [open('ada'), open('ben')];
// In place of a collaboration server.
ada.document.on(
  'update',
  (update: Uint8Array, from: unknown) => from !== ben && Y.applyUpdate(ben.document, update, ada),
);
ben.document.on(
  'update',
  (update: Uint8Array, from: unknown) => from !== ada && Y.applyUpdate(ada.document, update, ben),
);

Object.assign(window, { example: ada.example, ada, ben });
