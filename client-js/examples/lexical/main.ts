import { createEmptyHistoryState, registerHistory } from '@lexical/history';
import { HeadingNode, QuoteNode, registerRichText } from '@lexical/rich-text';
import { $createParagraphNode, $createTextNode, $getRoot, $isElementNode, createEditor } from 'lexical';
import { Afterword } from 'afterword';
import { registerGhostText } from 'afterword/lexical';
import { options, setDirection, url, type Example } from '../example.js';

const afterword = new Afterword({ url });
const root = document.querySelector<HTMLElement>('#editor')!;
const editor = createEditor({
  nodes: [HeadingNode, QuoteNode],
  theme: { text: { bold: 'bold' } },
  onError: (error) => console.error(error),
});
editor.setRootElement(root);
registerRichText(editor);
registerHistory(editor, createEmptyHistoryState(), 300);
setDirection(root);
const { document: ghost } = registerGhostText(editor, afterword, options);

const example: Example = {
  afterword,
  ghost,
  editable: root,
  text: () =>
    editor
      .getEditorState()
      .read(() =>
        $getRoot()
          .getChildren()
          .map((block) => block.getTextContent()),
      )
      .join('\n'),
  set(text) {
    editor.update(
      () => {
        const paragraphs = text.split('\n').map((line) => $createParagraphNode().append($createTextNode(line)));
        $getRoot()
          .clear()
          .append(...paragraphs);
        $getRoot().selectEnd();
      },
      { discrete: true },
    );
  },
  prepend(text) {
    editor.update(
      () => {
        const first = $getRoot().getFirstChild();
        if ($isElementNode(first)) first.splice(0, 0, [$createTextNode(text)]);
      },
      { discrete: true },
    );
  },
};
Object.assign(window, { example, editor });
