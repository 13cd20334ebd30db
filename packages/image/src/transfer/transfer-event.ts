import type { Descriptor } from "@orlop/core";

/** What a part of an image is. */
export type PartRole = "index" | "manifest" | "config" | "layer" | "other";

/**
 * - *waiting*: for its turn, or for another process that is at it.
 * - *downloading*: `bytes` of the descriptor's size have come.
 * - *verifying*: all has come, and is hashed and made durable.
 * - *unpacking*: becomes part of a root file system.
 * - *exists*: was there already.
 * - *done*
 */
export type PartState = "waiting" | "downloading" | "verifying" | "unpacking" | "exists" | "done";

/** What goes on in a transfer, for whoever shows it. */
export type TransferEvent =
  /** The source is asked what it has. */
  | { readonly kind: "resolving"; readonly source: string }
  | { readonly kind: "image"; readonly name: string | undefined; readonly target: Descriptor }
  /** A part is in another state, or, when downloading, further. */
  | {
      readonly kind: "part";
      readonly role: PartRole;
      readonly descriptor: Descriptor;
      readonly state: PartState;
      readonly bytes: number;
    }
  | { readonly kind: "named"; readonly name: string; readonly target: Descriptor };

export type TransferListener = (event: TransferEvent) => void;
