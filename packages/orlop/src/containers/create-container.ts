import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError, unlessMissing } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";
import { openImage } from "../image/open-image.ts";
import { inPod, openPod } from "../pods/join-pod-options.ts";
import { printWarning } from "../print.ts";
import { giveFiles } from "../run/give-files.ts";
import { refusePreserved } from "../run/kept-descriptors.ts";
import { planContainer } from "../run/plan-container.ts";
import { imageOptions } from "../run/prepare-container.ts";
import type { RunOptions } from "../run/run-options.ts";
import { prepareVolumes } from "../volumes/prepare-volumes.ts";
import { ContainerRoots } from "./container-roots.ts";
import type { OpenEngine } from "./open-engine.ts";

/**
 * Makes a container that stays until it is removed, and does not run yet. The image comes here first, where it is not here
 * yet.
 *
 * @throws OrlopError
 */
export async function createContainer(open: OpenEngine, options: RunOptions): Promise<Container> {
  const { engine } = open;
  if (options.log?.driver === "passthrough") {
    const what = "the output of a container that stays cannot be its caller's";
    throw new OrlopError("unsupported", `Cannot use log driver "passthrough": ${what}\nTry --rm, without --detach.`);
  }
  refusePreserved(options.preservedFds, "Try run --rm, without --detach, networks and volumes.");
  const pod = await openPod(open, options);
  try {
    return await createIn(open, pod === undefined ? options : inPod(open, options, pod));
  } catch (error) {
    // One that was made for it.
    if (pod !== undefined && options.pod?.startsWith("new:")) await engine.pods.remove(pod.id);
    throw error;
  }
}

async function createIn(open: OpenEngine, options: RunOptions): Promise<Container> {
  const { engine, depot, machine } = open;
  // Before anything is made: most often what is wrong is the name.
  const others = await findOthers(engine, options);
  const requires = await Promise.all(
    (options.requires ?? []).map(async (name) => (await findRequired(engine, name)).id),
  );
  if (options.replace === true && options.name !== undefined) await removeNamed(engine, options.name);
  return await engine.create(options.name, async ({ id, directory }) => {
    await using undo = new AsyncDisposableStack();
    await using image = await openImage(options.image, { ...imageOptions(options, machine, id), keeps: true });
    undo.defer(() => new ContainerRoots(depot, machine.rootless).remove(image.root));
    for (const warning of image.warnings) printWarning(warning);
    const ownDirectory = (): string => {
      const path = join(directory, "files");
      mkdirSync(path, { recursive: true, mode: 0o755 });
      return path;
    };
    const { mounts, volumes } = await prepareVolumes(open, options, image);
    const { description, spec, warnings } = planContainer(
      { ...options, mounts },
      { id, image, machine, ownDirectory, findOther: (text) => others.get(text) ?? text, volumes, requires },
    );
    for (const warning of warnings) printWarning(warning);
    await giveFiles(mounts, description.process.user, machine);
    const made = { description, spec: spec([]) };
    undo.move();
    return made;
  });
}

/** Not what a name is the beginning of the id of. */
async function removeNamed(engine: Engine, name: string): Promise<void> {
  const found = (await engine.list()).find((each) => each.name === name);
  if (found !== undefined) await unlessMissing(engine.remove(found.id, { force: true }));
}

/** Ids of the containers that it is to share something with, by what they are called. */
async function findOthers(
  engine: Engine,
  { network, namespaces = {} }: RunOptions,
): Promise<ReadonlyMap<string, string>> {
  const { pid, ipc } = namespaces;
  const shared = [pid, ipc].flatMap((each) => (typeof each === "object" ? [each.container] : []));
  const called = network.kind === "container" ? [network.container, ...shared] : shared;
  const others = new Map<string, string>();
  for (const text of called) others.set(text, (await engine.find(text)).id);
  return others;
}

async function findRequired(engine: Engine, name: string): Promise<Container> {
  const found = await engine.find(name);
  if (found.isTransient !== true) return found;
  const what = "it is gone when it has ended, and cannot be started again";
  throw new OrlopError("conflict", `Cannot require container "${name}": ${what}`);
}
