import { defaultSpec, type ImageSource, type LayerEntry, OrlopError, type RuntimeSpec } from "@orlop/core";
import { pullImage } from "@orlop/image";
import { openCommit } from "@orlop/image/commit";
import type { UnpackedImage } from "@orlop/image/debian";
import type { ImageVerifier } from "@orlop/image/verify";
import { rootFilesystem } from "@orlop/snapshot";
import { capabilitySet } from "../run/capability-set.ts";
import { type MachineView, readMachineView } from "../run/machine-view.ts";
import { seccompFilter } from "../run/seccomp-filter.ts";
import { stateDirectory } from "../run/state-directory.ts";
import type { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { runScriptContainer } from "./run-script-container.ts";

interface ScriptOptions {
  /** Allow the unpacked image, before anything of it comes. */
  readonly verifiers: readonly ImageVerifier[];
  readonly signal?: AbortSignal | undefined;
}

/** @throws OrlopError `denied` for an ordinary user */
export function expectScriptsAllowed(name: string): void {
  if (process.geteuid?.() === 0) return;
  const problem = "they need all users of the image, and a container of an ordinary user has one";
  throw new OrlopError("denied", `Cannot run maintainer scripts of "${name}": ${problem}\nTry it as root.`);
}

/**
 * Brings an image of packages here, runs their maintainer scripts in a container of its own on it, without a network and with
 * nothing of the machine, and gives the image with one more layer: what they have written, no file newer than the packages.
 *
 * @throws OrlopError `failed` with the last that was said where a script fails
 */
export async function runMaintainerScripts(
  depot: Depot,
  { source, target, program, mtime }: UnpackedImage,
  { verifiers, signal }: ScriptOptions,
): Promise<ImageSource> {
  const withSignal = signal === undefined ? {} : { signal };
  await using stack = new AsyncDisposableStack();
  const { id: lease } = await depot.leases.create();
  stack.defer(() => depot.leases.delete(lease));
  const snapshotter = await depot.snapshotter();
  const key = `scripts-${lease}`;
  await depot.leases.add(lease, { kind: "snapshot", snapshotter: snapshotter.name, key });
  const platform = ownPlatform();
  await pullImage(source, depot, { target }, { platform, snapshotter, lease, verifiers, ...withSignal });
  const { chainId, manifest } = await depot.storedImage(target, platform);
  // Nothing of it is needed after a power cut.
  const rootfs = rootFilesystem(await snapshotter.prepare(key, chainId), { volatile: true });
  stack.defer(() => snapshotter.remove(key));
  const machine = readMachineView();
  const spec = specOf(program, machine);
  const state = stateDirectory(machine.uid, machine.env);
  await runScriptContainer({ name: source.name, spec, rootfs, stateDirectory: state, ...withSignal });
  const mountPoints = (spec.mounts ?? []).map(({ destination }) => destination);
  using changes = await depot.changes(snapshotter.name, key, { mountPoints });
  const commit = await openCommit({
    content: depot.content,
    base: manifest,
    entries: notNewer(changes.entries(), mtime),
    config: {},
    created: new Date(mtime * 1000).toISOString().replace(".000Z", "Z"),
    history: { created_by: `orlop ${source.name}`, comment: "maintainer scripts" },
    ...withSignal,
  });
  stack.defer(() => commit[Symbol.asyncDispose]());
  const cleanUp = stack.move();
  return {
    name: source.name,
    images: () => commit.images(),
    document: (descriptor) => commit.document(descriptor),
    blob: (descriptor, options) => commit.blob(descriptor, options),
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

async function* notNewer(entries: AsyncIterable<LayerEntry>, mtime: number): AsyncGenerator<LayerEntry> {
  for await (const entry of entries) yield entry.mtime < mtime ? entry : { ...entry, mtime, mtimeNanoseconds: 0 };
}

function specOf({ args, env }: UnpackedImage["program"], machine: MachineView): RuntimeSpec {
  const base = defaultSpec({ rootPath: "/", args, thermalThrottleCpus: machine.thermalThrottleCpus });
  const capabilities = capabilitySet({ add: [], drop: [], privileged: false }, machine.capabilities);
  const security = { seccomp: "builtin", noNewPrivileges: false, systemPathsUnconfined: false } as const;
  const seccomp = seccompFilter({ security, privileged: false }, machine, capabilities);
  return {
    ...base,
    // Scripts write it down here and there.
    hostname: "localhost",
    process: {
      user: { uid: 0, gid: 0, umask: 0o022 },
      args,
      env,
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    linux: { ...base.linux, ...(seccomp === undefined ? {} : { seccomp }) },
  };
}
