import { realpathSync, statSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { directoryRoot } from "./directory-root.ts";
import type { Image, ImageRoot, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";

/** Directories of the host that a container has its own of. */
const HOST_EMPTIED: readonly string[] = ["dev", "proc", "run", "sys"];

/**
 * Makes the image's root file system available. Dispose of the result when the container is gone.
 *
 * @throws OrlopError
 */
export async function openImage(reference: ImageReference, options: OpenImageOptions): Promise<Image> {
  switch (reference.kind) {
    case "host": {
      const lookAgain = (): ImageRoot => directoryRoot({ path: "/", locked: options.rootless, emptied: HOST_EMPTIED });
      return {
        ...lookAgain(),
        lookAgain,
        config: { Cmd: ["sh"] },
        readFile: readerOf("/"),
        isHost: true,
        warnings: [],
        [Symbol.asyncDispose]: async () => {},
      };
    }
    case "directory":
      return openDirectory(reference.path, reference.writable, options);
    case "oci-layout":
    case "oci-archive":
    case "docker-archive":
    case "tar":
    case "registry":
    case "packages": {
      const { openPulled } = await import("./open-pulled.ts");
      return await openPulled(reference, options);
    }
  }
}

function openDirectory(path: string, writable: boolean, { rootless }: OpenImageOptions): Image {
  const directory = realDirectory(path);
  const lookAgain = (): ImageRoot =>
    writable
      ? { rootfs: { kind: "directory", path: directory }, mounts: [] }
      : directoryRoot({ path: directory, locked: rootless, emptied: [] });
  return {
    ...lookAgain(),
    lookAgain,
    config: { Cmd: ["sh"] },
    readFile: readerOf(directory),
    isHost: false,
    warnings: [],
    [Symbol.asyncDispose]: async () => {},
  };
}

function readerOf(directory: string): Image["readFile"] {
  return (path, bytesMax) => {
    using root = new RootDirectory(directory);
    return root.readFile(path, bytesMax);
  };
}

function realDirectory(path: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isDirectory()) return real;
  } catch (cause) {
    throw systemFailure(`use directory "${path}"`, cause);
  }
  throw new OrlopError("invalid", `Cannot use directory "${path}": it is no directory`);
}
