import type { SecretHost } from "./secret-host.ts";

/** Where in a request a secret is put in: fields of its head, one of them, its path with the query, or its content. */
export type SecretPlace = "headers" | `header:${string}` | "url" | "body";

/** A secret, and what stands for it where it must not be. */
export interface PlacedSecret {
  /** Printable ASCII: it cannot end a field. */
  readonly value: string;
  /** Random; letters, digits and `-` alone, so that it is the same in every encoding. */
  readonly placeholder: string;
  readonly hosts: readonly SecretHost[];
  readonly places: readonly SecretPlace[];
}
