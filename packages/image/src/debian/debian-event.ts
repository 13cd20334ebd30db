/** How far the making of an image is. */
export type DebianEvent =
  | { readonly kind: "index"; readonly url: string }
  /** It is known what is to be brought. */
  | { readonly kind: "packages"; readonly count: number; readonly bytes: number }
  /** Bytes that have come from the mirror since the event before. */
  | { readonly kind: "bytes"; readonly count: number }
  | { readonly kind: "unpacked"; readonly name: string };

export type DebianListener = (event: DebianEvent) => void;
