import { mkdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { namesIn } from "@orlop/kernel";
import type { OpenEngine } from "../containers/open-engine.ts";

/**
 * Puts directories of containers and snapshots that the database does not know of to where nobody removes them, after its
 * rows may have been lost. The result is a sentence for each.
 */
export async function keepUnknown({ engine, depot }: Pick<OpenEngine, "engine" | "depot">): Promise<readonly string[]> {
  const known = new Set((await engine.list()).map(({ id }) => id));
  const containers = namesIn(join(depot.root, "containers")).filter((id) => !known.has(id));
  const kept = containers.map((id) => setAside(depot.root, "containers", join(depot.root, "containers", id)));
  for (const snapshotter of await depot.snapshotters()) {
    kept.push(...snapshotter.unknown().map((path) => setAside(depot.root, join("snapshots", snapshotter.name), path)));
  }
  return kept;
}

function setAside(root: string, kind: string, path: string): string {
  const directory = join(root, "unknown", kind);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const place = join(directory, basename(path));
  renameSync(path, place);
  return `directory "${path}": nothing is known of it; it is kept as "${place}"`;
}
