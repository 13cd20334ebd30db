import { OrlopError, type SnapshotMount, type Snapshotter } from "@orlop/core";
import { GrpcServer, grpcService } from "@orlop/kernel/grpc";
import { PlainMounts } from "./plain-mounts.ts";
import { decodeChanges, encodeInfo } from "./snapshot-messages.ts";
import { type ListPart, SNAPSHOTS_API, type SnapshotsHandlers } from "./snapshots-api.ts";

export interface ServeSnapshotterOptions {
  /** Path of the socket; only this user may connect to it. */
  readonly path: string;
  /** Of this server alone: where images of layers are mounted for clients. */
  readonly mountDirectory: string;
}

/** Snapshots in one message of a list, as containerd's own server has it. */
const LIST_PART = 100;

/**
 * Serves a snapshotter to containerd, over the protocol of its `proxy_plugins`. Keys are the client's: containerd begins each
 * with its namespace, and removes what it does not know, so that one snapshotter serves one containerd and nobody else.
 *
 * Any client can make the mounts: images of layers are mounted here and held as long as they exist and the server runs.
 *
 * @throws OrlopError as `listenAt`
 */
export async function serveSnapshotter(
  snapshotter: Snapshotter,
  { path, mountDirectory }: ServeSnapshotterOptions,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const mounts = stack.use(new PlainMounts(mountDirectory));
  await mounts.release();
  stack.use(await GrpcServer.listen([grpcService(SNAPSHOTS_API, handlers(snapshotter, mounts))], path));
  return stack.move();
}

function handlers(snapshotter: Snapshotter, plain: PlainMounts): SnapshotsHandlers {
  const held = async (key: string, mounts: readonly SnapshotMount[]): Promise<readonly SnapshotMount[]> => {
    try {
      return await plain.hold(mounts);
    } catch (error) {
      await snapshotter.remove(key);
      throw error;
    }
  };
  return {
    Prepare: async ({ key, parent, labels }) => ({
      mounts: await held(key, await snapshotter.prepare(key, parent === "" ? undefined : parent, { labels })),
    }),
    View: async ({ key, parent, labels }) => ({
      mounts: await held(key, await snapshotter.view(key, parent === "" ? undefined : parent, { labels })),
    }),
    Mounts: async ({ key }) => ({ mounts: await plain.hold(await snapshotter.mounts(key)) }),
    Commit: async ({ name, key, labels, parent }) => {
      await snapshotter.commit(name, key, parent === "" ? { labels } : { labels, parent });
      return {};
    },
    Remove: async ({ key }) => {
      await snapshotter.remove(key);
      // The snapshot is gone, whatever is left mounted: that is for Cleanup to tell.
      await plain.release().catch(() => {});
      return {};
    },
    Stat: async ({ key }) => ({ info: encodeInfo(await snapshotter.stat(key)) }),
    Update: async ({ info, updateMask }) => {
      const { name = "", labels = {} } = info ?? {};
      const present = (await snapshotter.stat(name)).labels;
      const changes = decodeChanges(present, labels, updateMask?.paths ?? []);
      return { info: encodeInfo(await snapshotter.update(name, changes)) };
    },
    List: ({ filters }) => list(snapshotter, filters),
    Usage: async ({ key }) => {
      const { sizeBytes, inodes } = await snapshotter.usage(key);
      return { size: BigInt(sizeBytes), inodes: BigInt(inodes) };
    },
    Cleanup: async () => {
      await snapshotter.cleanup();
      await plain.release();
      return {};
    },
  };
}

async function* list(snapshotter: Snapshotter, filters: readonly string[]): AsyncGenerator<ListPart> {
  if (filters.length > 0) throw new OrlopError("unsupported", "Cannot list snapshots: filters are not known here");
  let info: ReturnType<typeof encodeInfo>[] = [];
  for await (const each of snapshotter.walk()) {
    info.push(encodeInfo(each));
    if (info.length < LIST_PART) continue;
    yield { info };
    info = [];
  }
  if (info.length > 0) yield { info };
}
