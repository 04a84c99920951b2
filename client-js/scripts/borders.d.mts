import type { Linter } from 'eslint';

/** The rules about who may import what. */
export const borders: Linter.Config;
