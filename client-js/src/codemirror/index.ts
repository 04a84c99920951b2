/**
 * Ghost text for CodeMirror 6.
 *
 * `ghostText(afterword)` is an extension; its position among the extensions does not matter. Ghost text is a widget at the
 * caret, never part of the document, the history or the clipboard.
 */

import { isolateHistory } from '@codemirror/commands';
import { Prec, Transaction, type EditorState, type Extension } from '@codemirror/state';
import {
  Decoration,
  Direction,
  EditorView,
  ViewPlugin,
  WidgetType,
  type Command as EditorCommand,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';
import type { Afterword, GhostDocument } from '../core/afterword.js';
import { addStyles, announce, commandOf, ghostElement, type BindingOptions } from '../dom/index.js';
import type { Change, Command } from '../core/events.js';
import { DEFAULTS, type GhostOptions } from '../core/options.js';

export type CodeMirrorOptions = Partial<GhostOptions> &
  BindingOptions & {
    /** The kind of block at a position, for the option `blocks`. */
    blockAt?: (state: EditorState, at: number) => string | undefined;
  };

/** Ghost text of one view. */
export interface CodeMirrorGhost {
  readonly document: GhostDocument;
  /** Runs a command as its key would. False when it did not apply. */
  run(command: Command): boolean;
}

/** CodeMirror reads the result of a composition within this time after its end. */
const COMPOSED_MS = 30;
/** When an update has several transactions, the last of these kinds among them counts. */
const WEIGHT: readonly Change[] = ['caret', 'remote', 'delete', 'type', 'paste', 'set', 'redo', 'undo'];
/** User events and the kind of change they are; the first that matches counts. */
const EVENTS: readonly [string, Change][] = [
  ['undo', 'undo'],
  ['redo', 'redo'],
  ['delete', 'delete'],
  ['input.type', 'type'],
  ['input', 'paste'],
  ['move', 'paste'],
];
/** An open list of completions, or the fields of a snippet. They keep Tab and Escape. */
const KEEPS_KEYS = '.cm-tooltip-autocomplete, .cm-snippetField';

const bindings = new WeakMap<EditorView, CodeMirrorBinding>();

/** An extension that gives a view ghost text. */
export function ghostText(afterword: Afterword, options: CodeMirrorOptions = {}): Extension {
  const plugin = ViewPlugin.define((view) => new CodeMirrorBinding(view, afterword, options), {
    decorations: (binding) => binding.decorations,
    eventHandlers: {
      compositionstart() {
        this.compose(true);
      },
      compositionend() {
        this.compose(false);
      },
    },
  });
  // Before any keymap.
  const keys = EditorView.domEventHandlers({ keydown: (event, view) => bindings.get(view)?.key(event) ?? false });
  return [plugin, Prec.highest(keys)];
}

/** The ghost text of a view, for buttons and status panels; undefined if it has none. */
export const ghostOf = (view: EditorView): CodeMirrorGhost | undefined => bindings.get(view);

/** A command for an editor keymap: `{ key: 'Mod-Enter', run: ghostCommand('accept') }`. */
export const ghostCommand =
  (command: Command): EditorCommand =>
  (view) =>
    bindings.get(view)?.run(command) ?? false;

class GhostWidget extends WidgetType {
  constructor(
    readonly text: string,
    readonly accept: () => void,
  ) {
    super();
  }

  override eq(other: GhostWidget): boolean {
    return other.text === this.text;
  }

  toDOM(view: EditorView): HTMLElement {
    const element = ghostElement(view.dom.ownerDocument, this.accept);
    element.textContent = this.text;
    return element;
  }

  override updateDOM(element: HTMLElement): boolean {
    element.textContent = this.text;
    return true;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

class CodeMirrorBinding implements CodeMirrorGhost {
  readonly document: GhostDocument;
  decorations: DecorationSet = Decoration.none;
  readonly #view: EditorView;
  readonly #options: CodeMirrorOptions;
  readonly #accept = (): void => void this.run('accept');
  #composing = false;
  /** A change is being made after which the view draws anyway. */
  #busy = false;

  constructor(view: EditorView, afterword: Afterword, options: CodeMirrorOptions) {
    const { announcement = String } = options;
    this.#view = view;
    this.#options = options;
    bindings.set(view, this);
    addStyles(view.dom);
    this.document = afterword.document(
      {
        paint: () => {
          if (!this.#busy) view.dispatch({});
        },
        announce: (text) => announce(view.dom.ownerDocument, announcement(text)),
      },
      options,
    );
    this.#report('set');
  }

  /** Called by the view before it draws. */
  update(update: ViewUpdate): void {
    const changes = update.transactions.map(changeOf);
    const weights = changes.map((change) => WEIGHT.indexOf(change));
    this.#report(WEIGHT[Math.max(0, ...weights)] ?? 'caret');
  }

  destroy(): void {
    this.#busy = true;
    this.document.close();
  }

  compose(begun: boolean): void {
    if (begun) {
      this.#composing = true;
      this.#report('type');
    } else
      setTimeout(() => {
        this.#composing = false;
        this.#report('type');
        this.#view.dispatch({});
      }, COMPOSED_MS);
  }

  key(event: KeyboardEvent): boolean {
    const view = this.#view;
    const rightToLeft = view.textDirectionAt(view.state.selection.main.head) === Direction.RTL;
    const command = commandOf(event, this.#options.keymap, rightToLeft);
    const kept = /^(Tab|Escape)$/.test(event.code) && view.dom.querySelector(KEEPS_KEYS) !== null;
    return command !== null && !kept && this.run(command);
  }

  run(command: Command): boolean {
    const view = this.#view;
    this.#busy = true;
    const text = this.document.command(command);
    this.#busy = false;
    const { head } = view.state.selection.main;
    if (text) {
      view.dispatch({
        changes: { from: head, insert: text },
        selection: { anchor: head + text.length },
        userEvent: 'input.complete',
        annotations: isolateHistory.of('full'),
        scrollIntoView: true,
      });
      view.focus();
    } else view.dispatch({});
    return text !== null;
  }

  #report(change: Change): void {
    const { state, hasFocus, contentDOM } = this.#view;
    const { ranges, main } = state.selection;
    const { reachBefore, reachAfter, blockAt, language } = { ...DEFAULTS, ...this.#options };
    const at = main.head;
    this.#busy = true;
    this.document.update({
      change,
      before: state.sliceDoc(Math.max(0, at - reachBefore), at),
      after: state.sliceDoc(at, Math.min(state.doc.length, at + reachAfter)),
      selectionEmpty: ranges.length === 1 && main.empty,
      focused: hasFocus && !state.readOnly,
      composing: this.#composing,
      block: blockAt?.(state, at),
      language: language ?? contentDOM.closest<HTMLElement>('[lang]')?.lang,
    });
    this.#busy = false;
    const { ghost } = this.document;
    const widget = ghost && Decoration.widget({ widget: new GhostWidget(ghost.text, this.#accept), side: 1 }).range(at);
    this.decorations = widget ? Decoration.set(widget) : Decoration.none;
  }
}

/** The kind of change that a transaction made, judged from the caret before it. */
function changeOf(transaction: Transaction): Change {
  const { changes, startState } = transaction;
  if (!transaction.docChanged) return 'caret';
  if (transaction.annotation(Transaction.remote)) return 'remote';
  const event = EVENTS.find(([name]) => transaction.isUserEvent(name));
  if (event) return event[1];
  const { from, to } = startState.selection.main;
  const touched = changes.touchesRange(from, to);
  if (touched === 'cover') return 'set';
  return touched ? 'paste' : 'remote';
}
