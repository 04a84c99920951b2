/** The editors that have an example page. */
export const BINDINGS = ['textarea', 'tiptap', 'prosemirror', 'codemirror', 'quill', 'lexical'] as const;
