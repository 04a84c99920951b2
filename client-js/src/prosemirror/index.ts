/**
 * Ghost text for ProseMirror.
 *
 * `ghostText(afterword)` is a plugin for one view; its position among the plugins does not matter.
 */

import { closeHistory } from 'prosemirror-history';
import { Plugin, PluginKey } from 'prosemirror-state';
import { Decoration, DecorationSet } from 'prosemirror-view';
import type { Afterword } from '../core/afterword.js';
import { makePlugin, type GhostTextOptions } from '../shared/prosemirror-plugin.js';
import type { Change } from '../core/events.js';

export { ghostOf } from '../shared/prosemirror-plugin.js';
export type { GhostTextOptions, ProseMirrorGhost } from '../shared/prosemirror-plugin.js';

/** A plugin that gives a view ghost text. */
export const ghostText = (afterword: Afterword, options: GhostTextOptions = {}): Plugin<Change> =>
  makePlugin({ Plugin, PluginKey, Decoration, DecorationSet, closeHistory }, afterword, options);
