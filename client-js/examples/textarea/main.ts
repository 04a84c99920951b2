import { Afterword } from 'afterword';
import { attach } from 'afterword/textarea';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const field = document.querySelector('textarea')!;
setDirection(field);
const { document: ghost } = attach(field, afterword, options);

const example: Example = {
  afterword,
  ghost,
  editable: field,
  text: () => field.value,
  set(text) {
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    field.dispatchEvent(new Event('input'));
  },
  prepend(text) {
    field.setRangeText(text, 0, 0, 'preserve');
    field.dispatchEvent(new Event('input'));
  },
};
Object.assign(window, { example });
