import type { Reference } from "@orlop/core";
import { readRegistriesConf, resolveShortName } from "@orlop/image/registry";

/**
 * What a name on the command line means on this machine, where it names no registry: `registries.conf` may have an alias for it.
 *
 * @throws OrlopError `invalid`, also where several registries could be meant
 */
export async function meantBy(text: string): Promise<Reference> {
  return resolveShortName(text, await readRegistriesConf());
}
