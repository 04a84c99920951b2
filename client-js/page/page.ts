/** Access to the elements of the page. */

/** The element with this id, of this class. */
export function part<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no #${id}`);
  return element;
}

/** Sets the text of an element if it differs, because screen readers notice every change. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether this is a Mac, whose keys have other names. */
export const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);
