import { type Digest, digestAlgorithm, digestEncoded, OrlopError, type Reference } from "@orlop/core";
import { proxiesOfEnvironment } from "../registry/hosts/proxy-environment.ts";
import { RemoteFiles } from "../remote/remote-files.ts";
import type { SignaturePlaces } from "./decode-registries-d.ts";
import { registryScopes } from "./policy-scopes.ts";

/** Of one image. */
const SIGNATURES_MAX = 128;
const SIGNATURE_MAX_BYTES = 1024 * 1024;
const SCHEMES: readonly string[] = ["file:", "http:", "https:"];

/** Where signatures lie that are kept apart from the images. */
export interface Lookaside {
  /** Those of a manifest of this repository, of which nothing is to be trusted. @throws OrlopError */
  signatures(reference: Reference, digest: Digest, signal?: AbortSignal): Promise<readonly Buffer[]>;
}

/**
 * Finds signatures as containers' programs do (containers-registries.d(5)): below the address of the closest scope, in files
 * `REPOSITORY@sha256=HEX/signature-1` and so on.
 */
export function lookasideAt(places: SignaturePlaces): Lookaside {
  return {
    async signatures(reference, digest, signal) {
      const base = placeOf(places, reference);
      const proxyFor = proxiesOfEnvironment();
      using files = new RemoteFiles((url) => proxyFor(url)?.href);
      const found: Buffer[] = [];
      for (let number = 1; ; number++) {
        const url = new URL(base);
        const directory = `${reference.repository}@${digestAlgorithm(digest)}=${digestEncoded(digest)}`;
        url.pathname = `${base.pathname.replace(/\/$/, "")}/${directory}/signature-${number}`;
        const signature = await files.get(url, { sizeMax: SIGNATURE_MAX_BYTES, signal }).catch(missing);
        if (signature === undefined) return found;
        if (found.length === SIGNATURES_MAX) {
          const problem = `there are more than ${SIGNATURES_MAX}`;
          throw new OrlopError("exhausted", `Cannot read signatures of the image: ${problem}`);
        }
        found.push(signature);
      }
    },
  };
}

function missing(error: unknown): undefined {
  if (error instanceof OrlopError && error.code === "not-found") return undefined;
  throw error;
}

function placeOf(places: SignaturePlaces, reference: Reference): URL {
  const text = registryScopes(reference)
    .map((scope) => places.scopes.get(scope))
    .find((each) => each !== undefined);
  const url = URL.parse(text ?? places.default);
  if (url !== null && SCHEMES.includes(url.protocol)) return url;
  const problem = "it is no address with file, http or https";
  throw new OrlopError("invalid", `Cannot look for signatures at "${text ?? places.default}": ${problem}`);
}
