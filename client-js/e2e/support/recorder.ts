/**
 * Runs in the page before its own scripts and records every change of the painted ghost text.
 *
 * Self-contained, because it is passed to the browser as source text.
 */

/** One change of the painted ghost text. */
export interface Recording {
  /** Time on the page's clock, ms. */
  at: number;
  /** The ghost text, or null for none. */
  ghost: string | null;
  /** The document, without ghost text. */
  text: string;
  /** Distance of the ghost text's beginning from the caret in px; null if there is no ghost text or no caret. */
  away: { x: number; y: number } | null;
  /** The last input: a key with its modifiers, or the name of an event. */
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

  /** The caret's rectangle, or null if it is unknown. */
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
