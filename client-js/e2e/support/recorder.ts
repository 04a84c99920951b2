/**
 * Runs in the page, before its own scripts: watches what is painted of ghost text, and notes every change.
 *
 * Self-contained, as it is handed to the browser as source.
 */

/** One change of what is painted. */
export interface Recording {
  /** Of the page's clock, ms. */
  at: number;
  /** The ghost text, or null for none. */
  ghost: string | null;
  /** The document, without ghost text. */
  text: string;
  /** How far the ghost text begins from the caret, in px, to the side and down; null where there is none or no caret. */
  away: { x: number; y: number } | null;
  /** What the writer did last: a key with its modifiers, or the name of an event. */
  after: string;
}

declare global {
  interface Window {
    recordings: Recording[];
  }
}

export function recorder(): void {
  const recordings: Recording[] = (window.recordings = []);
  let after = 'opening';

  const shown = (): HTMLElement | null => {
    const element = document.querySelector<HTMLElement>('.afterword-ghost');
    return element?.textContent && element.getClientRects().length > 0 ? element : null;
  };

  /** Where the caret is drawn, or null where that cannot be told. */
  const caret = (): DOMRect | null => {
    const selection = getSelection();
    const active = document.activeElement;
    if (active instanceof HTMLTextAreaElement || !selection?.rangeCount) return null;
    const range = selection.getRangeAt(0).cloneRange();
    const [rect] = range.getClientRects();
    if (rect) return rect;
    const { startContainer: node, startOffset: offset } = range;
    const before = node.childNodes[offset - 1];
    if (before instanceof Text && before.length > 0) {
      range.setStart(before, before.length);
      range.collapse(true);
      return range.getClientRects()[0] ?? null;
    }
    return null;
  };

  const note = (): void => {
    const ghost = shown();
    const last = recordings.at(-1);
    const text = (window as { example?: { text(): string } }).example?.text() ?? '';
    const said = ghost?.textContent ?? null;
    if (last?.ghost === said && last.text === text) return;
    const [place] = ghost?.getClientRects() ?? [];
    const at = caret();
    const away =
      place && at ? { x: place.left - at.right, y: (place.top + place.bottom - at.top - at.bottom) / 2 } : null;
    recordings.push({ at: performance.now(), ghost: said, text, away, after });
  };

  new MutationObserver(note).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
  });
  const hear = (event: Event): void => {
    after =
      event instanceof KeyboardEvent
        ? `${event.ctrlKey ? 'Control+' : ''}${event.shiftKey && event.key.length > 1 ? 'Shift+' : ''}${event.key}`
        : event.type;
  };
  for (const name of ['keydown', 'pointerdown', 'compositionstart', 'compositionend', 'blur', 'paste'])
    addEventListener(name, hear, true);
}
