import { openEngine } from "../containers/open-engine.ts";
import { familiarName } from "../images/image-name.ts";

export type NameKind = "container" | "image" | "network" | "pod" | "volume";

/** The names of what there is; none of what cannot be read: whoever types has not asked for it. */
export async function namesOf(kind: NameKind): Promise<readonly string[]> {
  await using open = openEngine();
  const { engine, depot } = open;
  const read: Readonly<Record<NameKind, () => Promise<readonly string[]>>> = {
    container: async () => (await engine.list()).map(({ name }) => name),
    image: async () => (await depot.images.list()).flatMap((record) => familiarName(record) ?? []),
    network: async () => (await (await open.networks()).list()).map(({ name }) => name),
    pod: async () => (await engine.pods.list()).map(({ pod }) => pod.name),
    volume: async () => engine.volumes.list().map(({ name }) => name),
  };
  try {
    return await read[kind]();
  } catch {
    return [];
  }
}
