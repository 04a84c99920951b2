/** The editors that there are examples of. */
export const BINDINGS = ['textarea', 'tiptap', 'prosemirror', 'codemirror', 'quill', 'lexical'] as const;
