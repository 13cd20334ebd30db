import { join } from "node:path";
import { type CreateRequest, generateId, OrlopError } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { randomName } from "@orlop/engine/random-name";
import { randomBytes } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { Image, ImageRoot, OpenImageOptions } from "../image/image.ts";
import { openImage } from "../image/open-image.ts";
import { giveFiles } from "./give-files.ts";
import type { MachineView } from "./machine-view.ts";
import { OwnDirectory } from "./own-directory.ts";
import { planContainer } from "./plan-container.ts";
import type { RunOptions } from "./run-options.ts";
import { stateDirectory } from "./state-directory.ts";

/** A container that could be made now, and what was set up for it on the way. */
interface PreparedContainer extends AsyncDisposable {
  readonly id: string;
  readonly request: CreateRequest;
  /** The same container on the root file system as it is now; absent where nobody else changes that. */
  requestAgain?(): CreateRequest;
  /** What other processes should know of it. */
  readonly description: ContainerDescription;
  readonly stateDirectory: string;
  /** Where the runtime keeps its containers. */
  readonly runtimeRoot: string;
  /** What the user should know. */
  readonly warnings: readonly string[];
}

/**
 * Opens the image, looks up the user and writes the config of a container that ends with its command. Everything that this
 * sets up is gone after disposal.
 *
 * @param open opens another image than the one that the options name
 * @throws OrlopError
 */
export async function prepareContainer(
  options: RunOptions,
  machine: MachineView,
  open: (given: OpenImageOptions) => Promise<Image> = (given) => openImage(options.image, given),
): Promise<PreparedContainer> {
  if (options.volumesFrom !== undefined) {
    throw new OrlopError("unsupported", 'Cannot use flag "--volumes-from" here: it is about containers that are kept');
  }
  await using stack = new AsyncDisposableStack();
  const id = generateId(randomBytes);
  const image = stack.use(await open(imageOptions(options, machine, id)));
  const state = stateDirectory(machine.uid, machine.env);
  // Its name has the id in it: that is how the runtime knows that the program for another container is the same.
  const ownDirectory = (): string => {
    const own = new OwnDirectory(state, "files", 0o755, id);
    const who = caller();
    stack.defer(() => who.afterwards(() => own[Symbol.dispose]()));
    return own.path;
  };
  const { description, spec, warnings } = planContainer(options, { id, image, machine, ownDirectory });
  await giveFiles(options.mounts, description.process.user, machine);
  const requestOn = ({ rootfs, mounts }: ImageRoot): CreateRequest => ({
    id,
    bundle: "/",
    spec: spec(mounts),
    rootfs,
    stdio: { stdin: options.interactive ? "inherit" : "null", stdout: "inherit", stderr: "inherit" },
    init: options.init,
    ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
  });
  const { lookAgain } = image;
  const request = requestOn(image);
  const cleanUp = stack.move();
  const name = options.name ?? randomName(randomBytes);
  return {
    id,
    request,
    description: { ...description, id, name, createdAtMs: Date.now(), log: { driver: "passthrough" } },
    ...(lookAgain === undefined ? {} : { requestAgain: () => requestOn(lookAgain()) }),
    stateDirectory: state,
    runtimeRoot: join(state, "containers"),
    warnings: [...image.warnings, ...warnings],
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** What an image is opened with for a container of these options. */
export function imageOptions(
  { pull, platform, quiet, storageSizeMaxBytes }: RunOptions,
  { rootless }: MachineView,
  containerId: string,
): OpenImageOptions {
  return {
    containerId,
    rootless,
    pull,
    quiet,
    ...(platform === undefined ? {} : { platform }),
    ...(storageSizeMaxBytes === undefined ? {} : { writtenMaxBytes: storageSizeMaxBytes }),
  };
}
