/** Makes a page of every quick start in the README; returns the names of the editors. */
export function quickStarts(): Promise<string[]>;
