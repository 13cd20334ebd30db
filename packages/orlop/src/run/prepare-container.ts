import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, generateId, type Mount, OrlopError, shortId } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { Image, ImageRoot, OpenImageOptions } from "../image/image.ts";
import { openImage } from "../image/open-image.ts";
import { buildSpec } from "./build-spec.ts";
import { containerConfig } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import { type ContainerUser, findUser } from "./container-user.ts";
import { hostDevices } from "./host-devices.ts";
import type { MachineView } from "./machine-view.ts";
import { type ContainerNames, networkFiles, resolverFile } from "./network-files.ts";
import { OwnDirectory } from "./own-directory.ts";
import type { RunOptions } from "./run-options.ts";
import { runtimeName } from "./runtime-choice.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { stateDirectory } from "./state-directory.ts";
import { windowSize } from "./window-size.ts";

/** A container that could be made now, and what was set up for it on the way. */
interface PreparedContainer extends AsyncDisposable {
  readonly id: string;
  readonly request: CreateRequest;
  /** The same container on the root file system as it is now; absent where nobody else changes that. */
  requestAgain?(): CreateRequest;
  /** What other processes should know of it. */
  readonly record: ContainerRecord;
  readonly stateDirectory: string;
  /** Where the runtime keeps its containers. */
  readonly runtimeRoot: string;
  /** Host directories that are to be bound and do not exist yet. */
  readonly missingSources: readonly string[];
  /** What the user should know. */
  readonly warnings: readonly string[];
}

/**
 * Opens the image, looks up the user and writes the config. Everything that this sets up is gone after disposal.
 *
 * @throws OrlopError
 */
export async function prepareContainer(options: RunOptions, machine: MachineView): Promise<PreparedContainer> {
  await using stack = new AsyncDisposableStack();
  const id = generateId(randomBytes);
  const missingSources = findMissingSources(options);
  const image = stack.use(await openImage(options.image, imageOptions(options, machine, id)));
  const state = stateDirectory(machine.uid, machine.env);
  const hostname = options.hostname ?? (options.network === "host" ? machine.hostname : shortId(id));
  const own = (): string => stack.use(new OwnDirectory(state, "files", 0o755)).path;
  const files = containerFiles(options, image, { hostname, domainname: options.domainname }, own);
  const user = findContainerUser(options, image);
  const requestOn = ({ rootfs, mounts }: ImageRoot): CreateRequest => ({
    id,
    bundle: "/",
    spec: buildSpec({
      options: options.privileged ? { ...options, devices: [...hostDevices(), ...options.devices] } : options,
      image: { ...image, mounts },
      user,
      machine,
      hostname,
      files,
      windowSize: options.tty ? windowSize() : undefined,
      seccomp: (capabilities) => seccompFilter(options, machine, capabilities),
    }),
    rootfs,
    stdio: { stdin: options.interactive ? "inherit" : "null", stdout: "inherit", stderr: "inherit" },
    init: options.init,
  });
  const { lookAgain } = image;
  const request = requestOn(image);
  const cleanUp = stack.move();
  return {
    id,
    request,
    record: recordOf(options, image, request),
    ...(lookAgain === undefined ? {} : { requestAgain: () => requestOn(lookAgain()) }),
    stateDirectory: state,
    runtimeRoot: join(state, "containers"),
    missingSources,
    warnings: image.warnings,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

function recordOf(options: RunOptions, { config, origin }: Image, { spec }: CreateRequest): ContainerRecord {
  const asked = new Set(options.mounts.map(({ mount }) => mount.destination));
  const mountPoints = (spec.mounts ?? []).map(({ destination }) => destination);
  return {
    runtime: runtimeName(options.runtime),
    image: options.image.kind,
    ...(origin === undefined ? {} : { origin }),
    config: containerConfig(options, config),
    mountPoints: mountPoints.filter((path) => !asked.has(path)),
  };
}

function imageOptions(
  { pull, platform, quiet }: RunOptions,
  { rootless }: MachineView,
  containerId: string,
): OpenImageOptions {
  return { containerId, rootless, pull, quiet, ...(platform === undefined ? {} : { platform }) };
}

/** The machine's own root has the right files already, except for what lies in its /run. */
function containerFiles(
  { network }: RunOptions,
  { isHost }: Image,
  names: ContainerNames,
  ownDirectory: () => string,
): readonly Mount[] {
  if (!isHost) return networkFiles(ownDirectory(), names, network);
  return network === "host" ? resolverFile(ownDirectory) : [];
}

function findMissingSources({ mounts }: RunOptions): readonly string[] {
  return mounts.flatMap(({ mount: { source, type }, createSource }) => {
    if (type !== "bind" || source === undefined || existsSync(source)) return [];
    if (createSource) return [source];
    throw new OrlopError(
      "not-found",
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      { field: "mounts" },
    );
  });
}

/** passwd(5) and group(5) of an image are read up to here. */
const ACCOUNT_FILE_MAX_BYTES = 1024 * 1024;

function findContainerUser(options: RunOptions, image: Image): ContainerUser {
  const read = (path: string): string => image.readFile(path, ACCOUNT_FILE_MAX_BYTES)?.toString("utf8") ?? "";
  const files = { passwd: read("/etc/passwd"), group: read("/etc/group") };
  return findUser(options.user ?? image.config.User ?? "", files, options.groupsToAdd);
}
