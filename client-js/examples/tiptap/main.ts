import { Editor } from '@tiptap/core';
import { StarterKit } from '@tiptap/starter-kit';
import { Afterword } from 'afterword';
import { GhostText, ghostOf } from 'afterword/tiptap';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const editor = new Editor({
  element: document.querySelector('#editor'),
  extensions: [StarterKit, GhostText.configure({ afterword, ...options })],
  editorProps: { attributes: { role: 'textbox', 'aria-label': 'Text', 'aria-multiline': 'true' } },
});
setDirection(editor.view.dom);

const example: Example = {
  afterword,
  ghost: ghostOf(editor.state)!.document,
  editable: editor.view.dom,
  text: () => editor.getText({ blockSeparator: '\n' }),
  set(text) {
    const content = text
      .split('\n')
      .map((line) => ({ type: 'paragraph', content: line ? [{ type: 'text', text: line }] : [] }));
    editor.chain().setContent({ type: 'doc', content }).setTextSelection(editor.state.doc.content.size).run();
  },
  prepend: (text) => void editor.commands.insertContentAt(1, text, { updateSelection: false }),
};
Object.assign(window, { example, editor });
