import { OrlopError } from "@orlop/core";
import type { OciContainers, OciContainersOptions } from "./oci-containers.ts";

/** The containers below a root. */
export async function openContainers(_options: OciContainersOptions): Promise<OciContainers> {
  throw new OrlopError("unsupported", "Cannot open containers: there is nothing yet that makes them");
}
