/** The writing page: creates editor, toolbar and panel, and connects to the server that served it. */

import { closeHistory } from '@tiptap/pm/history';
import { Afterword, CLOSE_UNAUTHORIZED } from 'afterword';
import { Fold } from './fold.js';
import { Choice } from './keep.js';
import { part, say } from './page.js';
import { Panel } from './panel.js';
import { laySheet, offerOpenings } from './sheet.js';
import { connectTheme } from './theme.js';
import { onToken, token } from './token.js';
import { Toolbar } from './toolbar.js';
import { countWords, titleOf } from './words.js';

/** How often the panel is updated while the page is visible. */
const UPDATE_MS = 250;
/** Words are counted after this pause. */
const COUNT_MS = 200;

const url = new URL('v1', document.baseURI);
url.protocol = url.protocol.replace('http', 'ws');
const afterword = new Afterword({ url: url.href, token, client: { name: 'afterword-page' } });
const { connection } = afterword;

connectTheme(part('dark', HTMLButtonElement));

const keeping = part('keeping', HTMLElement);
const kept = keeping.textContent;
const sheet = laySheet(part('sheet', HTMLElement), afterword, (lost) =>
  say(keeping, lost ? 'This browser cannot store your text. Download it before you leave.' : kept),
);
const { editor, ghost } = sheet;
const back = (): void => editor.view.focus();
offerOpenings(part('sheet', HTMLElement), part('openings', HTMLElement), sheet);
const toolbar = new Toolbar(part('toolbar', HTMLElement), editor);
editor.view.dom.addEventListener('keydown', (event) => {
  if (event.key !== 'F10' || !event.altKey) return;
  event.preventDefault();
  toolbar.focus();
});

// --- the panel

const panel = new Panel();
const fold = new Fold(part('fold', HTMLButtonElement), part('panel', HTMLElement), back);
const form = part('token', HTMLFormElement);
const show = (): void =>
  panel.show({
    state: connection.state,
    status: ghost.document.status(),
    roundTripMs: connection.roundTripMs,
    hadToken: token() !== undefined,
  });
afterword.onState((state) => {
  form.hidden = state.name !== 'refused' || state.code !== CLOSE_UNAUTHORIZED;
  if (!form.hidden) fold.open(true);
  show();
});
setInterval(() => {
  if (!document.hidden) show();
}, UPDATE_MS);
onToken(form, () => connection.connect());
part('retry', HTMLButtonElement).addEventListener('click', () => connection.connect());

const enabled = part('enabled', HTMLInputElement);
const wanted = new Choice('ghost');
const enable = (): void => ghost.document.configure({ enabled: enabled.checked });
enabled.checked = wanted.value !== 'off';
enabled.addEventListener('change', () => {
  wanted.value = enabled.checked ? undefined : 'off';
  enable();
});
enable();

// --- the text

const count = part('count', HTMLElement);
let counting: ReturnType<typeof setTimeout> | undefined;
const tell = (): void => {
  const text = editor.getText({ blockSeparator: '\n' });
  const words = countWords(text);
  say(count, `${words.toLocaleString('en')} ${words === 1 ? 'word' : 'words'}`);
  document.title = titleOf(text) || 'Afterword';
};
editor.on('transaction', ({ transaction }) => {
  if (!transaction.docChanged) return;
  clearTimeout(counting);
  counting = setTimeout(tell, COUNT_MS);
});
tell();

part('anew', HTMLButtonElement).addEventListener('click', () => {
  editor.view.focus();
  editor.view.dispatch(closeHistory(editor.state.tr)); // its own undo step
  editor.commands.clearContent(true);
});
part('download', HTMLButtonElement).addEventListener('click', () => {
  const page = document.implementation.createHTMLDocument(document.title);
  page.body.innerHTML = editor.getHTML();
  const file = new Blob([`<!doctype html>\n${page.documentElement.outerHTML}`], { type: 'text/html' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = `${document.title.replace(/[^\p{L}\p{N} _-]/gu, '').trim() || 'Afterword'}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
});

// On a touch screen, focus would open the keyboard; leave that to the writer.
if (matchMedia('(pointer: fine)').matches) {
  editor.commands.setTextSelection(editor.state.doc.content.size);
  editor.view.focus(); // at once, so that the first letter is not lost
}
