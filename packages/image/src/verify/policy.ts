import type { ImageSource, Reference } from "@orlop/core";

/** What containers-policy.json(5) says. */
export interface Policy {
  /** Its file. */
  readonly name: string;
  readonly default: readonly PolicyRequirement[];
  /** By transports, and by scopes of those. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
}

export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | GpgRequirement
  | SigstoreRequirement
  /** What is not here yet: images that it is for are refused. */
  | { readonly type: "unsupported"; readonly what: string };

export type SignatureRequirement = GpgRequirement | SigstoreRequirement;

/** A signature by GPG, apart from the image. */
export interface GpgRequirement {
  readonly type: "signedBy";
  /** Any of them. */
  readonly keys: readonly KeySource[];
  readonly signedIdentity: SignedIdentity;
}

/** A signature of sigstore's, beside the image in its registry. */
export interface SigstoreRequirement {
  readonly type: "sigstoreSigned";
  readonly trust: SigstoreTrust;
  /** Of logs, in one of which it has to stand; none: it need not. */
  readonly logKeys: readonly KeySource[];
  readonly signedIdentity: SignedIdentity;
}

/** Who may sign. */
export type SigstoreTrust =
  /** Any of them. */
  | { readonly kind: "keys"; readonly keys: readonly KeySource[] }
  /** Whoever an authority has given a certificate, for the moment of the signature, because an issuer knows him. */
  | {
      readonly kind: "fulcio";
      readonly roots: KeySource;
      readonly oidcIssuer: string;
      readonly subjectEmail: string;
    }
  /** Whoever has a certificate of an authority for one of these, or both. */
  | {
      readonly kind: "pki";
      readonly roots: KeySource;
      readonly intermediates?: KeySource;
      readonly subjectEmail?: string;
      readonly subjectHostname?: string;
    };

export type KeySource = { readonly path: string } | { readonly data: Buffer };

/** What a signature has to have been made for. */
export type SignedIdentity =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** Where an image comes from, in the words of policies. */
export type ImageOrigin =
  | {
      readonly transport: "docker";
      readonly reference: Reference;
      /** Opens another image of the same repository. */
      readonly open: (reference: Reference) => ImageSource;
    }
  | {
      readonly transport: string;
      /** Without links; absent where it has none, or none that counts. */
      readonly path?: string;
    };

/** Whether it is in a registry. */
export function isInRegistry(origin: ImageOrigin): origin is Extract<ImageOrigin, { reference: Reference }> {
  return "reference" in origin;
}
