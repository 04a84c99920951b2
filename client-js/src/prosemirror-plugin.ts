/**
 * Ghost text as a plugin of ProseMirror, for `afterword/prosemirror` and `afterword/tiptap`.
 *
 * The two get ProseMirror from packages of different names, so it is handed in, and only its types are imported here.
 * Ghost text is a widget at the caret: never in the document, the history or the clipboard. One element serves for as
 * long as the editor lives; its text is changed in place, so that nothing is drawn anew while the writer types along.
 */

import type { Node, ResolvedPos } from 'prosemirror-model';
import type { EditorState, Plugin, PluginKey, TextSelection, Transaction } from 'prosemirror-state';
import type { Decoration, DecorationSet, EditorView } from 'prosemirror-view';
import type { Afterword, GhostDocument } from './afterword.js';
import { addStyles, announce, commandOf, ghostElement, type BindingOptions } from './dom.js';
import { DEFAULTS, type Change, type Command, type GhostOptions } from './vocabulary.js';

export type GhostTextOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one view. */
export interface ProseMirrorGhost {
  readonly document: GhostDocument;
  /** Does what a key would: true when there was something to do it to. */
  run(command: Command): boolean;
}

/** The parts of ProseMirror that are needed. */
export interface ProseMirror {
  Plugin: typeof Plugin;
  PluginKey: typeof PluginKey;
  Decoration: typeof Decoration;
  DecorationSet: typeof DecorationSet;
  /** Of prosemirror-history: lets a new step of the history begin. */
  closeHistory: (transaction: Transaction) => Transaction;
}

/** After the end of a composition ProseMirror takes 20 ms to read what came of it. */
const COMPOSED_MS = 30;
/** What stands for a thing that is no text. */
const OBJECT = '\ufffc';

/** What collaboration over Yjs says about its transactions. */
interface FromYjs {
  isUndoRedoOperation?: boolean;
}

/** The state of undoing over Yjs; the state of an editor holds that of every plugin by its key. */
interface FromYjsUndo {
  'y-undo$'?: { undoManager?: { stopCapturing(): void } };
}

/** Of several transactions that come as one, the one that says most. */
const WEIGHT: readonly Change[] = ['caret', 'remote', 'delete', 'type', 'paste', 'set', 'redo', 'undo'];

/** A plugin that gives one view ghost text. Its `spec.ghostText` tells which. */
export function makePlugin(pm: ProseMirror, afterword: Afterword, options: GhostTextOptions = {}): Plugin<Change> {
  const key = new pm.PluginKey<Change>('afterword');
  let binding: Binding | undefined;
  const plugin: Plugin<Change> = new pm.Plugin<Change>({
    key,
    ghostText: () => binding,
    state: {
      init: () => 'set',
      // A transaction appended to another adds to what that one did.
      apply(transaction, so, was) {
        const change = changeOf(transaction, was, key);
        return transaction.getMeta('appendedTransaction') && WEIGHT.indexOf(so) > WEIGHT.indexOf(change) ? so : change;
      },
    },
    view(view) {
      const made = (binding = new Binding(pm, view, afterword, options, plugin));
      made.tell('set');
      return { update: () => made.tell(key.getState(view.state) ?? 'set'), destroy: () => made.detach() };
    },
    props: {
      decorations: (state) => binding?.decorations(state),
      handleDOMEvents: {
        // Earlier than the key handlers of any plugin, so that the order of plugins does not matter.
        keydown: (_, event) => {
          const taken = binding?.key(event) ?? false;
          if (taken) event.preventDefault();
          return taken;
        },
        focus: () => binding?.tell('caret'),
        blur: () => binding?.tell('caret'),
        compositionstart: () => binding?.compose(true),
        compositionend: () => binding?.compose(false),
      },
    },
  });
  return plugin;
}

/** The ghost text of the view that has this state, for buttons and status panels; undefined if it has none. */
export function ghostOf(state: EditorState): ProseMirrorGhost | undefined {
  for (const { spec } of state.plugins) {
    const ghostText = spec.ghostText as (() => ProseMirrorGhost | undefined) | undefined;
    if (ghostText) return ghostText();
  }
  return undefined;
}

/** What a transaction did, as seen from the caret before it. */
function changeOf(transaction: Transaction, { selection, doc }: EditorState, key: PluginKey): Change {
  const { content } = transaction.doc;
  const start = doc.content.findDiffStart(content);
  const end = doc.content.findDiffEnd(content);
  if (start === null || !end) return 'caret';
  if (transaction.getMeta(key)) return 'paste';
  const history = transaction.getMeta('history$') as { redo?: boolean } | undefined;
  if (history) return history.redo ? 'redo' : 'undo';
  const yjs = transaction.getMeta('y-sync$') as FromYjs | undefined;
  if (yjs) return yjs.isUndoRedoOperation ? 'undo' : 'remote';
  if (/paste|drop/.test(transaction.getMeta('uiEvent') as string)) return 'paste';
  // Where text repeats itself, a change might have been anywhere along it.
  const slack = Math.max(0, start - Math.min(end.a, end.b));
  if (start <= 1 && end.a >= doc.content.size - 1 && end.a > start + 1) return 'set';
  if (start - slack > selection.to || end.a + slack < selection.from) return 'remote';
  return end.b + slack > start ? 'type' : 'delete';
}

/** Ghost text of one view. */
class Binding implements ProseMirrorGhost {
  readonly document: GhostDocument;
  readonly #pm: ProseMirror;
  readonly #view: EditorView;
  readonly #options: GhostTextOptions;
  readonly #plugin: Plugin;
  readonly #element: HTMLElement;
  #composing = false;
  /** Whether the view holds the widget. */
  #drawn = false;
  /** The document changes under the ghost text, and will be drawn anyway. */
  #busy = false;

  constructor(pm: ProseMirror, view: EditorView, afterword: Afterword, options: GhostTextOptions, plugin: Plugin) {
    const { announcement = String } = options;
    this.#pm = pm;
    this.#view = view;
    this.#options = options;
    this.#plugin = plugin;
    this.#element = ghostElement(view.dom.ownerDocument, () => this.run('accept'));
    addStyles(view.dom);
    this.document = afterword.document(
      {
        paint: (ghost) => {
          this.#element.textContent = ghost?.text ?? '';
          this.#draw();
        },
        announce: (text) => announce(view.dom.ownerDocument, announcement(text)),
      },
      options,
    );
  }

  /** Tells how the editor is now. */
  tell(change: Change): void {
    const view = this.#view;
    if (view.isDestroyed) return;
    const { selection } = view.state;
    const caret = (selection as Partial<TextSelection>).$cursor ?? null;
    const { reachBefore, reachAfter } = { ...DEFAULTS, ...this.#options };
    const read = (reach: number): string => (caret && !this.#composing ? textBeside(caret, reach) : '');
    this.document.update({
      change,
      before: read(-reachBefore),
      after: read(reachAfter),
      selectionEmpty: caret !== null,
      focused: view.editable && view.hasFocus(),
      composing: this.#composing,
      block: caret?.parent.type.name,
      language: this.#options.language ?? view.dom.closest<HTMLElement>('[lang]')?.lang,
    });
  }

  compose(begun: boolean): void {
    if (begun) {
      this.#composing = true;
      this.tell('type');
    } else {
      setTimeout(() => {
        this.#composing = this.#view.composing;
        this.tell('type');
      }, COMPOSED_MS);
    }
  }

  key(event: KeyboardEvent): boolean {
    const sideways = event.code.startsWith('Arrow');
    const rightToLeft = sideways && getComputedStyle(this.#blockElement()).direction === 'rtl';
    const command = commandOf(event, this.#options.keymap, rightToLeft);
    return command !== null && this.run(command);
  }

  run(command: Command): boolean {
    const view = this.#view;
    this.#busy = true;
    const text = this.document.command(command);
    if (text) this.#insert(text);
    this.#busy = false;
    this.#draw();
    if (text) view.focus();
    return text !== null;
  }

  decorations(state: EditorState): DecorationSet {
    const { Decoration, DecorationSet } = this.#pm;
    this.#drawn = this.document.ghost !== null && state.selection.empty;
    if (!this.#drawn) return DecorationSet.empty;
    const widget = Decoration.widget(state.selection.head, this.#element, {
      key: 'afterword',
      side: 1,
      ignoreSelection: true,
      marks: [],
    });
    return DecorationSet.create(state.doc, [widget]);
  }

  detach(): void {
    this.#busy = true;
    this.document.close();
  }

  /** Has the view take the widget in or out, where that does not happen by itself. */
  #draw(): void {
    const view = this.#view;
    // A composition does not survive changes of the document beside it. The widget stays, empty.
    if (this.#busy || this.#composing || view.isDestroyed || this.#drawn === (this.document.ghost !== null)) return;
    view.dispatch(view.state.tr.setMeta(this.#plugin, 'draw').setMeta('addToHistory', false));
  }

  /** Inserts text at the caret as one step of the history, with the marks that typed text would have. */
  #insert(text: string): void {
    const view = this.#view;
    const { state } = view;
    const { closeHistory } = this.#pm;
    const { undoManager } = (state as EditorState & FromYjsUndo)['y-undo$'] ?? {};
    undoManager?.stopCapturing();
    const transaction = closeHistory(state.tr).setMeta(this.#plugin, 'insert');
    const { $head } = state.selection;
    const marks = state.storedMarks ?? $head.marks();
    const lines = $head.parent.type.spec.code ? [text] : text.split('\n');
    // In a list, a new line is a new item.
    const depth = $head.depth > 1 && /item$/i.test($head.node(-1).type.name) ? 2 : 1;
    lines.forEach((line, at) => {
      if (at > 0) transaction.split(transaction.selection.head, depth);
      if (line) transaction.replaceSelectionWith(state.schema.text(line, marks), false);
    });
    view.dispatch(transaction.setStoredMarks(marks).scrollIntoView());
    view.dispatch(closeHistory(view.state.tr));
    undoManager?.stopCapturing();
  }

  #blockElement(): Element {
    const view = this.#view;
    const { node } = view.domAtPos(view.state.selection.head);
    return node.nodeType === 1 ? (node as Element) : (node.parentElement ?? view.dom);
  }
}

/** At least `reach` units of text after a position, below 0 before it, or all there is: blocks a line feed apart. */
function textBeside({ pos, doc }: ResolvedPos, reach: number): string {
  const { size } = doc.content;
  let text = '';
  for (let at = pos; text.length < Math.abs(reach) && at !== (reach < 0 ? 0 : size);) {
    at = Math.max(0, Math.min(size, at + reach));
    text = doc.textBetween(Math.min(at, pos), Math.max(at, pos), '\n', leafText);
  }
  return text;
}

const leafText = ({ type }: Node): string => (/break$/i.test(type.name) ? '\n' : OBJECT);
