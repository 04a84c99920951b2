import { basicSetup, EditorView } from 'codemirror';
import { Afterword } from 'afterword';
import { ghostOf, ghostText } from 'afterword/codemirror';
import { options, turn, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const view = new EditorView({
  parent: document.querySelector('#editor')!,
  extensions: [
    basicSetup,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'Text' }),
    ghostText(afterword, options),
  ],
});
turn(view.contentDOM);

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
};
Object.assign(window, { example, view });
