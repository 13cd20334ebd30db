import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { defaultSpec, generateId } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { copyDirectory, openDiskRoot } from "@orlop/snapshot";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { Image } from "../image/image.ts";

/** Makes a volume's directory with what an image has at a place; empty where that is nothing, or no directory. */
export async function fillVolume(open: OpenEngine, image: Image, place: string, path: string): Promise<void> {
  const copyFrom = async (root: string): Promise<void> => {
    using files = new RootDirectory(root);
    using found = files.openDirectory(place);
    if (found === undefined) mkdirSync(path, { mode: 0o755 });
    // Also for the process that reads attributes, and, with a slash, the directory itself and no link to it.
    else await copyDirectory(`/proc/${process.pid}/fd/${found.fd}/`, path, join(dirname(path), "scratch"));
  };
  const { rootfs } = image;
  // What of this machine is shown in a container is no content for a volume.
  if (image.root.kind !== "snapshot") mkdirSync(path, { mode: 0o755 });
  else if (rootfs.kind === "directory") await copyFrom(rootfs.path);
  else if (rootfs.kind === "disk") {
    using disk = await openDiskRoot(rootfs);
    await copyFrom(disk.path);
  } else await withLayers(open, image, copyFrom);
}

/** Layers may be images of file systems: a container that is never started shows what they are together. */
async function withLayers(
  { engine, machine }: OpenEngine,
  { rootfs }: Image,
  work: (root: string) => Promise<void>,
): Promise<void> {
  if (rootfs.kind !== "overlay") throw new Error("a snapshot is a directory, a disk or an overlay");
  const runtime = await engine.runtimeOf("process");
  const id = generateId(randomBytes);
  const spec = defaultSpec({ rootPath: "/", thermalThrottleCpus: [] });
  const linux = machine.rootless
    ? {
        ...spec.linux,
        namespaces: [...(spec.linux?.namespaces ?? []), { type: "user" as const }],
        uidMappings: [{ containerID: 0, hostID: machine.uid, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: machine.gid, size: 1 }],
      }
    : spec.linux;
  // A place that something of the machine's is mounted at has nothing of the image's in it.
  const mounts = (spec.mounts ?? []).filter(({ destination }) => destination === "/proc");
  const { pid } = await runtime.create({
    id,
    bundle: "/",
    spec: {
      ...spec,
      mounts,
      ...(linux === undefined ? {} : { linux: { ...linux, maskedPaths: [], readonlyPaths: [] } }),
    },
    rootfs: { ...rootfs, writes: "discard" },
    stdio: { stdin: "null", stdout: "null", stderr: "null" },
  });
  try {
    await work(`/proc/${pid}/root`);
  } finally {
    await runtime.delete(id, { force: true });
  }
}
