import { readFileSync, realpathSync } from "node:fs";
import { type ImageExecutionConfig, type ImageSource, type OfferedImage, OrlopError } from "@orlop/core";
import { openDebianSource, type RunScripts } from "@orlop/image/debian";
import {
  type FilesSource,
  type LiveDirectory,
  openDirectoryImage,
  openImageArchive,
  openLayout,
  openTarImage,
} from "@orlop/image/files";
import { RegistryClient, type RegistryClientOptions } from "@orlop/image/registry";
import type { ImageOrigin } from "@orlop/image/verify";
import type { ImageReference } from "../image/image-reference.ts";
import type { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { hostEmptied } from "./host-emptied.ts";
import { imageVerifiers } from "./image-verifiers.ts";
import { meantBy } from "./meant-by.ts";
import { machineRegistryOptions } from "./registry-flags.ts";

/** An image's source; what it holds open is closed with it. */
interface OpenSource extends AsyncDisposable {
  readonly source: ImageSource;
  /** For policies. */
  readonly origin: ImageOrigin;
  /** The image that the reference means. */
  image(): Promise<OfferedImage>;
}

interface SourceOptions {
  readonly registry?: RegistryClientOptions;
  /** For what is run before the image is taken in; absent: the user's, or the machine's. */
  readonly signaturePolicy?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Where an image comes from.
 *
 * @throws OrlopError `unsupported` for what can only be used as it is
 */
export async function openSource(
  reference: ImageReference,
  depot: Depot,
  { registry = machineRegistryOptions(), signaturePolicy, signal }: SourceOptions = {},
): Promise<OpenSource> {
  const withSignal = signal === undefined ? {} : { signal };
  switch (reference.kind) {
    case "registry": {
      const named = await meantBy(reference.text);
      const client = new RegistryClient(registry);
      const source = client.source(named);
      return {
        source,
        origin: { transport: "docker", reference: named, open: (each) => client.source(each) },
        image: async () => await only(source, signal),
        [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
      };
    }
    case "packages": {
      const origin = { transport: "debian" };
      const scriptRunner = async (): Promise<RunScripts> => {
        const { expectScriptsAllowed, runMaintainerScripts } = await import("../scripts/run-maintainer-scripts.ts");
        expectScriptsAllowed(reference.name);
        const verifiers = imageVerifiers(origin, { policyFile: signaturePolicy });
        return (unpacked) => runMaintainerScripts(depot, unpacked, { verifiers, ...withSignal });
      };
      const source = await openDebianSource(reference.name, { store: depot.content, scriptRunner, ...withSignal });
      const image = async (): Promise<OfferedImage> => ({ ...(await only(source, signal)), name: reference.name });
      // No transport of containers', but a scope of its own in a policy nevertheless.
      return {
        source,
        origin,
        image,
        [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
      };
    }
    case "oci-layout":
      return opened(openLayout(reference.path), reference.tag, pathOrigin("oci", reference.path));
    case "oci-archive":
    case "docker-archive": {
      const archive = await openImageArchive(reference.path, withSignal);
      return opened(archive, reference.tag, archiveOrigin(reference.kind, reference.path));
    }
    case "tar":
      return opened(
        await openTarImage(reference.path, { ...withSignal, platform: ownPlatform(), config: ROOT_CONFIG }),
        undefined,
        { transport: "tarball" },
      );
    case "directory":
      if (reference.writable) throw notPulled(`dir:${reference.path}:rw`, "it is used as it is; leave out :rw");
      return opened(await openDirectory(reference.path, signal), undefined, pathOrigin("dir", reference.path));
    case "host":
      return opened(await openHost(signal), undefined, { transport: "dir", path: "/" });
  }
}

/** Of what is a root file system and no more. */
const ROOT_CONFIG: ImageExecutionConfig = { Cmd: ["sh"] };

async function openDirectory(
  path: string,
  signal: AbortSignal | undefined,
  live?: LiveDirectory,
): Promise<FilesSource> {
  const { XattrReader } = await import("@orlop/snapshot");
  using xattrs = new XattrReader();
  return await openDirectoryImage(path, {
    platform: ownPlatform(),
    config: ROOT_CONFIG,
    readXattrs: xattrs.read,
    // An ordinary user's files are root's in his containers.
    owners: process.geteuid?.() === 0 ? "keep" : "root",
    ...(signal === undefined ? {} : { signal }),
    ...(live === undefined ? {} : { live }),
  });
}

/**
 * The files of this machine's root file system, as they are while they are read: of directories where something else is mounted,
 * of what orlop keeps, and of what is there for a while only, there is no more than the directory.
 *
 * @throws OrlopError `denied` for an ordinary user, who may not read them all
 */
async function openHost(signal: AbortSignal | undefined): Promise<FilesSource> {
  if (process.geteuid?.() !== 0) {
    const way = 'Try it as root. To run programs on these files, "orlop run host" needs no image of them.';
    throw new OrlopError(
      "denied",
      `Cannot pull "host": an ordinary user may not read all of this machine's files\n${way}`,
    );
  }
  return await openDirectory("/", signal, { emptied: hostEmptied(readFileSync("/proc/self/mountinfo", "utf8")) });
}

function notPulled(name: string, problem: string): OrlopError {
  return new OrlopError("unsupported", `Cannot pull "${name}": ${problem}`);
}

/** Policies know places of an archive of a layout, and none of docker's; what came through a pipe has none. */
export function archiveOrigin(transport: "oci-archive" | "docker-archive", path: string | undefined): ImageOrigin {
  return transport === "docker-archive" || path === undefined ? { transport } : pathOrigin(transport, path);
}

function pathOrigin(transport: string, path: string): ImageOrigin {
  return { transport, path: realpathSync(path) };
}

function opened(source: FilesSource, wanted: string | undefined, origin: ImageOrigin): OpenSource {
  return {
    source,
    origin,
    image: async () => source.image(wanted),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

async function only(source: ImageSource, signal: AbortSignal | undefined): Promise<OfferedImage> {
  const [image] = await source.images(signal);
  if (image === undefined) throw new OrlopError("not-found", `Cannot find an image in "${source.name}"`);
  return image;
}
