import { OrlopError, shortId } from "@orlop/core";
import { chainIds } from "@orlop/image";
import { alignColumns } from "../format/align-columns.ts";
import { familiarName } from "../images/image-name.ts";
import { type Image, listImages } from "../images/list-images.ts";
import type { Depot } from "../store/open-depot.ts";

/**
 * Reads the layers that images have become, and tells of each whether it is what it was.
 *
 * @throws OrlopError for layers that are damaged, after all have been told
 */
export async function checkLayers(depot: Depot, print: (text: string) => void, signal?: AbortSignal): Promise<void> {
  const images = await listImages(depot);
  const rows: string[] = [];
  const damaged: string[] = [];
  for (const snapshotter of await depot.snapshotters()) {
    for (const { kind, key } of snapshotter.records()) {
      if (kind !== "committed") continue;
      const state = await snapshotter.verify(key, signal).catch(unlessMissing);
      if (state === null) continue;
      const layer = shortId(key);
      rows.push([layer, state ?? "not checked", snapshotter.name, namesWith(images, key).join(", ")].join("\t"));
      if (state === "damaged") damaged.push(layer);
    }
  }
  print(alignColumns(["LAYER\tSTATE\tSNAPSHOTTER\tIMAGES", ...rows, ""].join("\n")));
  if (damaged.length === 0) return;
  const what = `its file is not what it was${damaged.length > 1 ? `, nor are those of ${damaged.length - 1} others` : ""}`;
  const way = "Try orlop rm of the containers and orlop rmi of the images that have it, and orlop pull.";
  throw new OrlopError("failed", `Cannot use layer "${damaged[0]}": ${what}\n${way}`);
}

/** Null for one that was removed meanwhile. */
function unlessMissing(error: unknown): null {
  if (error instanceof OrlopError && error.code === "not-found") return null;
  throw error;
}

/** Of images that have a layer. */
function namesWith(images: readonly Image[], chainId: string): readonly string[] {
  const having = images.filter(({ content }) => {
    const diffIds = content?.config?.rootfs.diff_ids ?? [];
    return chainIds(diffIds).some((each) => each === chainId);
  });
  return having.flatMap(({ id, records }) => {
    const names = records.flatMap((record) => familiarName(record) ?? []);
    return names.length > 0 ? names : [shortId(id)];
  });
}
