import { generateId, type LayerEntry, type LeaseResource, OrlopError } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { randomBytes } from "@orlop/kernel";
import { writtenSnapshot } from "../../commit/written-snapshot.ts";
import { Depot } from "../../store/open-depot.ts";
import type { SandboxOptions } from "../sandbox-options.ts";
import { SandboxSnapshot } from "./sandbox-snapshot.ts";

interface SnapshotSource {
  readonly id: string;
  readonly description: ContainerDescription;
  readonly options: SandboxOptions;
  /** What the sandbox began with. */
  readonly base: SandboxSnapshot | undefined;
  readonly signal: AbortSignal | undefined;
  /** Does something while nobody writes, as far as that can be had. */
  readonly quietly: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Keeps what a sandbox has written as a layer on top of those that it began with.
 *
 * @throws OrlopError `unsupported` for a sandbox of anything but an image, or files that no layer can hold; `cancelled`
 */
export async function takeSnapshot({
  id,
  description,
  options,
  base,
  signal,
  quietly,
}: SnapshotSource): Promise<SandboxSnapshot> {
  const from = writtenSnapshot("take snapshot of", id, description);
  await using stack = new AsyncDisposableStack();
  if (base !== undefined) stack.use(base.hold());
  const depot = stack.use(new Depot(from.store));
  const snapshotter = await depot.snapshotterOf(from.snapshotter);
  const name = `sandbox-snapshot-${generateId(randomBytes)}`;
  const written = `${name}-written`;
  const resource = (key: string): LeaseResource => ({ kind: "snapshot", snapshotter: from.snapshotter, key });
  const { digest } = from.manifest;
  await depot.leases.create({ id: name, resources: [resource(written), resource(name), { kind: "content", digest }] });
  stack.defer(() => depot.leases.delete(name));
  const { parent } = await snapshotter.stat(from.key);
  await snapshotter.prepare(written, parent);
  try {
    using changes = await depot.changes(from.snapshotter, from.key, description);
    await quietly(() => snapshotter.apply(written, untilAborted(changes.entries(), signal)));
    await snapshotter.commit(name, written);
  } catch (error) {
    await snapshotter.remove(written).catch(() => {});
    throw error;
  }
  stack.defer(() => snapshotter.remove(name));
  return new SandboxSnapshot({ root: { ...from, key: name }, options, stack: stack.move() });
}

async function* untilAborted(
  entries: AsyncIterable<LayerEntry>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LayerEntry> {
  for await (const entry of entries) {
    if (signal?.aborted) {
      throw new OrlopError("cancelled", "Cannot take snapshot: a signal has ended it", { cause: signal.reason });
    }
    yield entry;
  }
}
