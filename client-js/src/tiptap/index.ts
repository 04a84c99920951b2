/**
 * Ghost text for TipTap 3: `GhostText.configure({ afterword })`.
 *
 * An extension around the ProseMirror plugin, with a command for buttons and shortcuts.
 */

import { Extension } from '@tiptap/core';
import { closeHistory } from '@tiptap/pm/history';
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import type { Afterword } from '../core/afterword.js';
import { ghostOf, makePlugin, type GhostTextOptions } from '../shared/prosemirror-plugin.js';
import type { Command as GhostCommand } from '../core/events.js';

export { ghostOf } from '../shared/prosemirror-plugin.js';
export type { GhostTextOptions, ProseMirrorGhost } from '../shared/prosemirror-plugin.js';

/** Options of the extension: the connection, and those of ghost text. */
export type TipTapGhostTextOptions = GhostTextOptions & {
  /** The connection to the server. Without it the extension does nothing. */
  afterword: Afterword | null;
};

declare module '@tiptap/core' {
  interface Commands<ReturnType> {
    ghostText: {
      /** Runs a command, such as `accept`, as its key would. False when it did not apply. */
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
        // The command dispatches transactions of its own, which must not come in the middle of this one.
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
