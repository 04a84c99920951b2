import { snippet } from '@codemirror/autocomplete';
import { keymap } from '@codemirror/view';
import { basicSetup, EditorView } from 'codemirror';
import { Afterword } from 'afterword';
import { ghostOf, ghostText } from 'afterword/codemirror';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
/** A letter with fields: Tab goes to the next field, even while ghost text is shown. */
const letter = snippet('Dear ${name},\n\nThank you for ${gift}.\n\nYours,\n${sender}');

const view = new EditorView({
  parent: document.querySelector('#editor')!,
  extensions: [
    keymap.of([
      {
        key: 'Alt-l',
        run(view) {
          const { from, to } = view.state.selection.main;
          letter(view, null, from, to);
          return true;
        },
      },
    ]),
    basicSetup,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'Text' }),
    ghostText(afterword, options),
  ],
});
setDirection(view.contentDOM);

const example: Example = {
  afterword,
  ghost: ghostOf(view)!.document,
  editable: view.contentDOM,
  text: () => view.state.doc.toString(),
  set(text) {
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      selection: { anchor: text.length },
    });
  },
  prepend: (text) => view.dispatch({ changes: { from: 0, insert: text } }),
};
Object.assign(window, { example, view });
