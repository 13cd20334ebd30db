import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "@orlop/engine";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { Depot } from "../store/open-depot.ts";

interface CheckFilesOptions {
  /** Reads no blobs. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
}

/** Whether what the database knows of is there: a sentence for each thing that is not. */
export async function checkFiles(
  { engine, depot }: Pick<OpenEngine, "engine" | "depot">,
  options: CheckFilesOptions,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const { error } of depot.damagedBlobs(options)) {
    problems.push(error.message.replace(/^Cannot use /, "").replace("\n", " "));
  }
  const gone = new Map<string, ReadonlySet<string>>();
  for (const snapshotter of await depot.snapshotters()) {
    const keys = snapshotter.lacking();
    gone.set(snapshotter.name, new Set(keys));
    problems.push(...keys.map((key) => `snapshot "${key}" of ${snapshotter.name}: its directory is gone`));
  }
  for (const container of await engine.list()) {
    const isGone = (snapshotter: string, key: string): boolean => gone.get(snapshotter)?.has(key) === true;
    problems.push(...(await containerProblems(depot, container, isGone)));
  }
  return problems;
}

async function containerProblems(
  depot: Depot,
  { id, name, root, log, isTransient, state }: Container,
  isGone: (snapshotter: string, key: string) => boolean,
): Promise<readonly string[]> {
  const problems: string[] = [];
  if (root.kind === "snapshot" && isGone(root.snapshotter, root.key)) problems.push("what it has written is gone");
  if (root.kind === "snapshot" && !(await depot.content.has(root.manifest.digest))) {
    problems.push("the manifest of its image is gone");
  }
  const hasRun = isTransient !== true && log.driver === "file" && state.startedAtMs !== undefined;
  if (hasRun && !existsSync(join(depot.root, "containers", id))) problems.push("its directory, with its log, is gone");
  return problems.map((problem) => `container "${name}": ${problem}`);
}
