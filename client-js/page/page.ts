/** Finding parts of the page, which must be there. */

/** The element with this id, of this class. */
export function part<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page lacks #${id}`);
  return element;
}

/** Changes what an element says, if it says something else: screen readers and browsers take notice of each change. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether this is a Mac, whose keys have names of their own. */
export const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);
