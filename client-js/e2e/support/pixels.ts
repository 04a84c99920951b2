/** Compares two pictures. It runs in a page, because browsers can decode PNG. */

import type { Page } from 'playwright-core';

/** A difference of up to this much of 255 is antialiasing. */
const EDGE = 64;

/** The number of pixels in which two pictures, PNG in base64, differ clearly; `Infinity` if their sizes differ. */
export function difference(page: Page, one: string, other: string): Promise<number> {
  return page.evaluate(
    async ({ pictures, edge }) => {
      const [a, b] = await Promise.all(
        pictures.map(async (picture) => {
          const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
          const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
          const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
          canvas?.drawImage(image, 0, 0);
          return canvas?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray();
        }),
      );
      if (!a || a.length !== b?.length) return Infinity;
      let differing = 0;
      for (let at = 0; at < a.length; at += 4)
        if ([0, 1, 2].some((channel) => Math.abs((a[at + channel] ?? 0) - (b[at + channel] ?? 0)) > edge)) differing++;
      return differing;
    },
    { pictures: [one, other], edge: EDGE },
  );
}
