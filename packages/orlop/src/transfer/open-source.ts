import { type ImageSource, OrlopError, parseReference } from "@orlop/core";
import { RegistryClient } from "@orlop/image";
import type { ImageReference } from "../image/image-reference.ts";

/** How a registry is to be spoken to, where its configuration is not to decide. */
export interface SourceOptions {
  /** `--tls-verify=false`. */
  readonly plainHttp?: boolean;
}

/** An image's source; what it holds open is closed with it. */
export interface OpenSource extends AsyncDisposable {
  readonly source: ImageSource;
}

/**
 * Where an image comes from that is not on this machine.
 *
 * @throws OrlopError
 */
export function openSource(reference: ImageReference, { plainHttp = false }: SourceOptions = {}): OpenSource {
  switch (reference.kind) {
    case "registry": {
      const client = new RegistryClient({ plainHttp });
      return {
        source: client.source(parseReference(reference.name)),
        [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
      };
    }
    default:
      throw new OrlopError("unsupported", `Cannot pull "${reference.kind}": it is on this machine`);
  }
}
