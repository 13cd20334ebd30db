import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { SnapshotMount } from "@orlop/core";
import { type ChangesOptions, SnapshotChanges } from "../changes/snapshot-changes.ts";
import { upperEntries } from "../directory/upper-entries.ts";
import type { LowerLayer } from "../layer/lower-layer.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { openLower, writtenDirectories } from "./written-directories.ts";

interface ProxyChangesOptions extends ChangesOptions {
  readonly mounts: readonly SnapshotMount[];
  readonly system: SystemCalls;
}

/**
 * What has been written to an active snapshot of somebody else's, as its mounts show it.
 *
 * @throws OrlopError `unsupported` for mounts that do not tell it apart from what is below
 */
export async function proxyChanges(
  key: string,
  { mounts, system, ...options }: ProxyChangesOptions,
): Promise<SnapshotChanges> {
  const { upper, work, lower } = writtenDirectories(`compare snapshot "${key}"`, mounts);
  const scratch = (): string => join(work, `orlop-${randomUUID()}`);
  using stack = new DisposableStack();
  const below: readonly (LowerLayer & Partial<Disposable>)[] = await openLower(lower, {
    system,
    scratch: scratch(),
    stack,
  });
  const ownIsRoot = process.geteuid?.() !== 0;
  const entries = () => upperEntries(upper, { system, scratch: scratch(), ownIsRoot });
  const changes = new SnapshotChanges({ entries, below }, options);
  stack.move();
  return changes;
}
