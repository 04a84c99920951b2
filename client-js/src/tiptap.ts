/**
 * Ghost text for TipTap 3: `GhostText.configure({ afterword })`.
 *
 * An extension around the plugin for ProseMirror, with commands for buttons and shortcuts of one's own.
 */

import { Extension } from '@tiptap/core';
import { closeHistory } from '@tiptap/pm/history';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import type { Afterword } from './afterword.js';
import { ghostOf, makePlugin, type GhostTextOptions } from './prosemirror-plugin.js';
import type { Command as GhostCommand } from './vocabulary.js';

export { ghostOf } from './prosemirror-plugin.js';
export type { GhostTextOptions, ProseMirrorGhost } from './prosemirror-plugin.js';

/** Options of the extension: the connection, and those of ghost text. */
export type TipTapGhostTextOptions = GhostTextOptions & {
  /** Where ghost text comes from. Without it the extension does nothing. */
  afterword: Afterword | null;
};

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    ghostText: {
      /** Does to ghost text what a key would, such as `accept`; false when there was nothing to do it to. */
      ghostText: (command: GhostCommand) => ReturnType;
    };
  }
}

/** Gives an editor ghost text. */
export const GhostText = Extension.create<TipTapGhostTextOptions>({
  name: 'ghostText',

  addOptions: () => ({ afterword: null }),

  addCommands: () => ({
    ghostText:
      (command) =>
      ({ dispatch, state }) => {
        const ghost = ghostOf(state);
        // It dispatches transactions of its own, which must not come in the middle of this one.
        if (dispatch && ghost) queueMicrotask(() => ghost.run(command));
        return ghost !== undefined && (ghost.document.ghost !== null || command === 'ask');
      },
  }),

  addProseMirrorPlugins() {
    const { afterword, ...options } = this.options;
    const pm = { Plugin, PluginKey, Decoration, DecorationSet, closeHistory };
    return afterword ? [makePlugin(pm, afterword, options)] : [];
  },
});
