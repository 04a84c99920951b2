/** Bytes of one entry, minified and compressed. */
export interface Size {
  name: string;
  minified: number;
  gzip: number;
  brotli: number;
}

/** The core first, then the bindings. */
export function sizes(): Promise<[Size, ...Size[]]>;
