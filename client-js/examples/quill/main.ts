import Quill from 'quill';
import 'quill/dist/quill.snow.css';
import { Afterword } from 'afterword';
import { attach } from 'afterword/quill';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const quill = new Quill('#editor', { theme: 'snow' });
quill.root.setAttribute('aria-label', 'Text');
setDirection(quill.root);
const { document: ghost } = attach(quill, afterword, options);

const example: Example = {
  afterword,
  ghost,
  editable: quill.root,
  text: () => quill.getText().replace(/\n$/, ''),
  set(text) {
    quill.setText(text);
    quill.setSelection(text.length);
  },
  prepend: (text) => void quill.insertText(0, text),
};
Object.assign(window, { example, quill });
