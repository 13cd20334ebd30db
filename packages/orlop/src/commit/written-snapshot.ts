import { OrlopError } from "@orlop/core";
import type { Container, SnapshotRoot } from "@orlop/engine";

/**
 * The snapshot that a container writes to.
 *
 * @param action completes `Cannot`: `commit`
 * @throws OrlopError `unsupported` for a container of anything but an image that is here
 */
export function writtenSnapshot(action: string, name: string, { root }: Pick<Container, "root">): SnapshotRoot {
  if (root.kind === "snapshot") return root;
  const isHost = root.kind === "host";
  const what = isHost ? "its files are this machine's own" : "its files are those of a directory, and not of an image";
  const way = "Try a container of an image of this machine (orlop pull, orlop load).";
  throw new OrlopError("unsupported", `Cannot ${action} container "${name}": ${what}\n${way}`);
}
