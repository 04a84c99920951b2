import { baseKeymap } from 'prosemirror-commands';
import { history, redo, undo } from 'prosemirror-history';
import { keymap } from 'prosemirror-keymap';
import { schema } from 'prosemirror-schema-basic';
import { EditorState, TextSelection } from 'prosemirror-state';
import { EditorView } from 'prosemirror-view';
import 'prosemirror-view/style/prosemirror.css';
import { Afterword } from 'afterword';
import { ghostOf, ghostText } from 'afterword/prosemirror';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const plugins = [
  history(),
  keymap({ 'Mod-z': undo, 'Mod-y': redo, 'Shift-Mod-z': redo }),
  keymap(baseKeymap),
  ghostText(afterword, options),
];
const view = new EditorView(document.querySelector('#editor'), {
  state: EditorState.create({ schema, plugins }),
  attributes: { role: 'textbox', 'aria-label': 'Text', 'aria-multiline': 'true' },
});
setDirection(view.dom);

const example: Example = {
  afterword,
  ghost: ghostOf(view.state)!.document,
  editable: view.dom,
  text: () => view.state.doc.textBetween(0, view.state.doc.content.size, '\n'),
  set(text) {
    const paragraphs = text.split('\n').map((line) => schema.node('paragraph', null, line ? schema.text(line) : []));
    const { tr, doc } = view.state;
    tr.replaceWith(0, doc.content.size, paragraphs);
    view.dispatch(tr.setSelection(TextSelection.atEnd(tr.doc)));
  },
  prepend: (text) => view.dispatch(view.state.tr.insertText(text, 1)),
};
Object.assign(window, { example, view });
