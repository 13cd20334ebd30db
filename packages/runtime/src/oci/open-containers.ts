import type { OciContainers, OciContainersOptions } from "./oci-containers.ts";
import { OrphanContainers } from "./orphan-containers.ts";

/** The containers below a root. */
export async function openContainers(options: OciContainersOptions): Promise<OciContainers> {
  return new OrphanContainers(options);
}
