import { createReadStream, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { pullImage, readLayer, readStoredImage, readTar } from "@orlop/image";
import { openCommit } from "@orlop/image/commit";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import type { ContainerCall } from "../containers/container-verb.ts";
import { createContainer } from "../containers/create-container.ts";
import { unpackTo } from "../cp/copy-tree.ts";
import { treePlace } from "../cp/tree-place.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { parseImageReference } from "../image/image-reference.ts";
import { OwnDirectory } from "../run/own-directory.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { type RunOptions, readRunOptions } from "../run/run-options.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { volumeFile } from "./checkpoint-archive.ts";
import { type UnpackedCheckpoint, unpackCheckpoint } from "./unpack-checkpoint.ts";

interface ImportOptions {
  /** Absolute. */
  readonly file: string;
  /** Absent: that which it had. */
  readonly name: string | undefined;
  readonly ignoreRootfs: boolean;
  readonly ignoreVolumes: boolean;
}

/**
 * Makes the container of an archive anew and has it go on: what it has written to its root file system is a layer of an image
 * of its own, without a name.
 *
 * @param restore has a container go on from the checkpoint in a directory
 * @throws OrlopError; nothing of the container is left then
 */
export async function importCheckpoint(
  call: ContainerCall,
  options: ImportOptions,
  restore: (container: Container, directory: string) => Promise<unknown>,
): Promise<Container> {
  const { engine, depot } = call;
  using directory = new OwnDirectory(join(depot.root, "imports"), "checkpoint", 0o700);
  const unpacked = await unpackCheckpoint(options.file, directory.path);
  engine.refuseKept(options.name ?? unpacked.document.name);
  const image = await imageOf(call, unpacked, options);
  const wanted = optionsOf(call, unpacked, options, image);
  if (!options.ignoreVolumes) refuseVolumes(call, options, wanted);
  const container = await createContainer(call, wanted);
  try {
    if (!options.ignoreVolumes) await fillVolumes(call, unpacked, container);
    await restore(container, directory.path);
    return container;
  } catch (error) {
    await engine.remove(container.id, { force: true, volumes: true });
    throw error;
  }
}

/** A digest that names it. */
async function imageOf(
  { depot, nowMs }: ContainerCall,
  { document, directory, rootfsDiff }: UnpackedCheckpoint,
  { file, ignoreRootfs }: ImportOptions,
): Promise<string> {
  const { text, manifest: base } = document.image;
  try {
    await readStoredImage(depot.content, base, ownPlatform());
  } catch (cause) {
    if (!(cause instanceof OrlopError) || cause.code !== "not-found") throw cause;
    const what = `its image "${text}" (${base.digest}) is not here`;
    throw new OrlopError("not-found", `Cannot restore from "${file}": ${what}\nTry orlop pull or orlop load.`, {
      cause,
    });
  }
  if (ignoreRootfs || rootfsDiff === undefined) return base.digest;
  using cancel = new CancelOnSignals();
  const { signal } = cancel;
  const path = join(directory, "rootfs-diff.tar");
  const layer = {
    name: "rootfs-diff.tar",
    diffId: rootfsDiff,
    chunks: () => createReadStream(path) as AsyncIterable<Buffer>,
  };
  await using source = await openCommit({
    content: depot.content,
    base,
    entries: readLayer(layer, { signal }),
    config: {},
    created: new Date(nowMs).toISOString(),
    history: { created_by: "orlop container restore --import" },
    signal,
  });
  const name = source.image.target.digest;
  const { platform } = source;
  await pullImage(source, depot, source.image, { name, platform, snapshotter: await depot.snapshotter(), signal });
  return name;
}

function optionsOf(
  { machine }: ContainerCall,
  { document }: UnpackedCheckpoint,
  { name = document.name }: ImportOptions,
  image: string,
): RunOptions {
  const { flags, words } = document.commandLine;
  const parsed = parseFlags(RUN_FLAGS, [...flags, "--rm=false", "--name", name, "--", ...words]);
  const options = readRunOptions(parsed, machine);
  const reference = parseImageReference(image, machine.cwd);
  return { ...options, image: reference, imageText: document.image.text, hostname: document.hostname, pull: "never" };
}

function refuseVolumes({ engine }: ContainerCall, { file }: ImportOptions, { mounts }: RunOptions): void {
  for (const { volume } of mounts) {
    if (volume?.name === undefined || engine.volumes.find(volume.name) === undefined) continue;
    const what = `volume "${volume.name}" is there, and would be written over`;
    throw new OrlopError("exists", `Cannot restore from "${file}": ${what}\nTry --ignore-volumes, to use it as it is.`);
  }
}

/** With what was in them, instead of what the image has there. */
async function fillVolumes(
  { engine }: ContainerCall,
  { document, directory }: UnpackedCheckpoint,
  { volumes }: Container,
): Promise<void> {
  for (const [index, place] of document.volumes.entries()) {
    const volume = volumes.find(({ destination }) => destination === place);
    if (volume === undefined) continue;
    const { path } = engine.volumes.get(volume.name);
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
    using root = new RootDirectory(path);
    const archive = createReadStream(join(directory, volumeFile(index))) as AsyncIterable<Buffer>;
    const options = { keepsOwners: true, followsInTree: false };
    await unpackTo(treePlace(root, "/", path), readTar(archive), options);
  }
}
