import { realpathSync, statSync } from "node:fs";
import { formatPlatform, OrlopError, platformRank } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { ownPlatform } from "../store/own-platform.ts";
import type { Image, ImageRoot, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { hostRoot, plainRoot } from "./plain-root.ts";

/**
 * Makes the image's root file system available. Dispose of the result when the container is gone.
 *
 * @throws OrlopError
 */
export async function openImage(reference: ImageReference, options: OpenImageOptions): Promise<Image> {
  switch (reference.kind) {
    case "host": {
      checkOwn("host", options);
      const lookAgain = (): ImageRoot => hostRoot(options.rootless);
      return {
        ...lookAgain(),
        lookAgain,
        config: { Cmd: ["sh"] },
        root: { kind: "host" },
        readFile: readerOf("/"),
        isHost: true,
        warnings: [],
        [Symbol.asyncDispose]: async () => {},
      };
    }
    case "directory":
      checkOwn(`dir:${reference.path}`, options);
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

/** Files of this machine have no limit, and are for its own platform. */
function checkOwn(image: string, { writtenMaxBytes, platform }: OpenImageOptions): void {
  if (platform !== undefined && platformRank(platform, ownPlatform()) === undefined) {
    const what = `its files are this machine's, not for ${formatPlatform(platform)}`;
    throw new OrlopError("unsupported", `Cannot use "${image}": ${what}`);
  }
  if (writtenMaxBytes === undefined) return;
  const what = "its root file system is no snapshot of an image";
  throw new OrlopError("unsupported", `Cannot limit what is written to "${image}": ${what}\nTry an image.`);
}

function openDirectory(path: string, writable: boolean, { rootless }: OpenImageOptions): Image {
  const directory = realDirectory(path);
  const lookAgain = (): ImageRoot => plainRoot(directory, writable, rootless);
  return {
    ...lookAgain(),
    lookAgain,
    config: { Cmd: ["sh"] },
    root: { kind: "directory", path: directory, writable },
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
