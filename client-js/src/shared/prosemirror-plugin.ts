/**
 * Ghost text as a ProseMirror plugin, for `afterword/prosemirror` and `afterword/tiptap`.
 *
 * The two import ProseMirror from packages of different names, so it is passed in, and only its types are imported here.
 * Ghost text is a widget at the caret, never part of the document, the history or the clipboard. One element is used as
 * long as the editor lives; its text changes in place, so that nothing is redrawn while the writer types through it.
 */

import type { Node, ResolvedPos } from 'prosemirror-model';
import type { EditorState, Plugin, PluginKey, TextSelection, Transaction } from 'prosemirror-state';
import type { Decoration, DecorationSet, EditorView } from 'prosemirror-view';
import type { Afterword, GhostDocument } from '../core/afterword.js';
import { addStyles, announce, commandOf, ghostElement, type BindingOptions } from '../dom/index.js';
import type { Change, Command } from '../core/events.js';
import { DEFAULTS, type GhostOptions } from '../core/options.js';

export type GhostTextOptions = Partial<GhostOptions> & BindingOptions;

/** Ghost text of one view. */
export interface ProseMirrorGhost {
  readonly document: GhostDocument;
  /** Runs a command as its key would. False when it did not apply. */
  run(command: Command): boolean;
}

/** The parts of ProseMirror that are used. */
export interface ProseMirror {
  Plugin: typeof Plugin;
  PluginKey: typeof PluginKey;
  Decoration: typeof Decoration;
  DecorationSet: typeof DecorationSet;
  /** Of prosemirror-history: begins a new undo step. */
  closeHistory: (transaction: Transaction) => Transaction;
}

/** ProseMirror reads the result of a composition 20 ms after its end. */
const COMPOSED_MS = 30;
/** Stands for content that is not text. */
const OBJECT = '\ufffc';

/** Metadata that y-prosemirror adds to its transactions. */
interface YjsMeta {
  isUndoRedoOperation?: boolean;
}

/** The state of the undo plugin of y-prosemirror, as part of the editor's state. */
interface YjsUndoState {
  'y-undo$'?: { undoManager?: { stopCapturing(): void } };
}

/** When several transactions come as one, the last of these kinds among them counts. */
const WEIGHT: readonly Change[] = ['caret', 'remote', 'delete', 'type', 'paste', 'set', 'redo', 'undo'];

/** A plugin that gives one view ghost text. Its `spec.ghostText` returns the view's `ProseMirrorGhost`. */
export function makePlugin(pm: ProseMirror, afterword: Afterword, options: GhostTextOptions = {}): Plugin<Change> {
  const key = new pm.PluginKey<Change>('afterword');
  let binding: ProseMirrorBinding | undefined;
  const plugin: Plugin<Change> = new pm.Plugin<Change>({
    key,
    ghostText: () => binding,
    state: {
      init: () => 'set',
      // A transaction appended to another counts together with it.
      apply(transaction, so, was) {
        const change = changeOf(transaction, was, key);
        return transaction.getMeta('appendedTransaction') && WEIGHT.indexOf(so) > WEIGHT.indexOf(change) ? so : change;
      },
    },
    view(view) {
      const made = (binding = new ProseMirrorBinding(pm, view, afterword, options, plugin));
      made.report('set');
      return { update: () => made.report(key.getState(view.state) ?? 'set'), destroy: () => made.detach() };
    },
    props: {
      decorations: (state) => binding?.decorations(state),
      handleDOMEvents: {
        // Before the key handlers of all plugins, so that the order of plugins does not matter.
        keydown: (_, event) => {
          const taken = binding?.key(event) ?? false;
          if (taken) event.preventDefault();
          return taken;
        },
        focus: () => binding?.report('caret'),
        blur: () => binding?.report('caret'),
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

/** The kind of change that a transaction made, judged from the caret before it. */
function changeOf(transaction: Transaction, { selection, doc }: EditorState, key: PluginKey): Change {
  const { content } = transaction.doc;
  const start = doc.content.findDiffStart(content);
  const end = doc.content.findDiffEnd(content);
  if (start === null || !end) return 'caret';
  if (transaction.getMeta(key)) return 'paste';
  const history = transaction.getMeta('history$') as { redo?: boolean } | undefined;
  if (history) return history.redo ? 'redo' : 'undo';
  const yjs = transaction.getMeta('y-sync$') as YjsMeta | undefined;
  if (yjs) return yjs.isUndoRedoOperation ? 'undo' : 'remote';
  if (/paste|drop/.test(transaction.getMeta('uiEvent') as string)) return 'paste';
  // In text that repeats itself the place of a change is ambiguous by this much.
  const slack = Math.max(0, start - Math.min(end.a, end.b));
  if (start <= 1 && end.a >= doc.content.size - 1 && end.a > start + 1) return 'set';
  if (start - slack > selection.to || end.a + slack < selection.from) return 'remote';
  return end.b + slack > start ? 'type' : 'delete';
}

/** Ghost text of one view. */
class ProseMirrorBinding implements ProseMirrorGhost {
  readonly document: GhostDocument;
  readonly #pm: ProseMirror;
  readonly #view: EditorView;
  readonly #options: GhostTextOptions;
  readonly #plugin: Plugin;
  readonly #element: HTMLElement;
  #composing = false;
  /** Whether the view shows the widget. */
  #drawn = false;
  /** A change is being made after which the view draws anyway. */
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

  /** Reports the state of the editor. */
  report(change: Change): void {
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
      this.report('type');
    } else {
      setTimeout(() => {
        this.#composing = this.#view.composing;
        this.report('type');
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

  /** Makes the view add or remove the widget, unless it draws anyway. */
  #draw(): void {
    const view = this.#view;
    // Changing the DOM next to a composition would end it. The widget stays, empty.
    if (this.#busy || this.#composing || view.isDestroyed || this.#drawn === (this.document.ghost !== null)) return;
    view.dispatch(view.state.tr.setMeta(this.#plugin, 'draw').setMeta('addToHistory', false));
  }

  /** Inserts text at the caret as one undo step, with the marks that typed text would have. */
  #insert(text: string): void {
    const view = this.#view;
    const { state } = view;
    const { closeHistory } = this.#pm;
    const { undoManager } = (state as EditorState & YjsUndoState)['y-undo$'] ?? {};
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
