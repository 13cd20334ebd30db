import { closeSync, constants, existsSync, openSync, readlinkSync } from "node:fs";
import { generateId, type Mount, OrlopError, type Runtime, type RuntimeSpec } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";

/** The root file system of a container, for as long as it is held. */
export interface HeldRoot {
  /**
   * Leads there by a descriptor of this process, whatever becomes of the container. What lies below is as hostile as the
   * container is: links in it lead out.
   */
  readonly path: string;
  /** A process that sees it. */
  readonly pid: number;
  readonly container: Container;
}

type Work<T> = (root: HeldRoot) => Promise<T>;

/** O_PATH of open(2), which node:fs has no name for. */
const O_PATH = 0x20_0000;

/** As the container sees it, with all that is mounted in it. */
export async function withRunningRoot<T>(context: EngineContext, container: Container, work: Work<T>): Promise<T> {
  const runtime = await context.runtime(container.runtime);
  const { pid } = await runtime.state(container.id);
  if (pid === undefined) throw new OrlopError("conflict", `container ${container.id} is not running`);
  return await withRootOf(runtime, { id: container.id, pid, container }, work);
}

/**
 * As the container would see it, with the mounts that were asked for: in a container beside it, which never starts, and ends
 * with this process if that is killed. The caller holds the container's lock.
 */
export async function withIdleRoot<T>(context: EngineContext, container: Container, work: Work<T>): Promise<T> {
  const runtime = await context.runtime(container.runtime);
  const { rootfs, mounts } = await context.roots.open(container.root);
  const id = generateId(randomBytes);
  const spec = holderSpec(context.rows.spec(container.id), container, mounts);
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const { pid } = await runtime.create({ id, bundle: "/", spec, rootfs, stdio });
  try {
    if (pid === undefined) throw outOfReach(container);
    return await withRootOf(runtime, { id, pid, container }, work);
  } finally {
    await runtime.delete(id, { force: true });
  }
}

interface Holder {
  /** Of the container that the process belongs to. */
  readonly id: string;
  readonly pid: number;
  readonly container: Container;
}

async function withRootOf<T>(runtime: Runtime, { id, pid, container }: Holder, work: Work<T>): Promise<T> {
  const { isolation } = await runtime.features();
  if (isolation !== "process") throw outOfReach(container);
  const fd = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  try {
    // The id may have gone to another process before it was opened.
    const { pid: still } = await runtime.state(id);
    if (still !== pid) throw new OrlopError("conflict", `container ${container.id} is not running`);
    // Whatever the runtime says of itself: nobody is to write to this machine's own files.
    if (readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync("/proc/self/ns/mnt")) throw outOfReach(container);
    return await work({ path: `/proc/self/fd/${fd}`, pid, container });
  } finally {
    closeSync(fd);
  }
}

function outOfReach({ name, runtime }: Container): OrlopError {
  const what = `runtime "${runtime}" keeps them where this kernel has no names for them`;
  return new OrlopError("unsupported", `Cannot use files of container "${name}": ${what}`);
}

const HOLDER_NAMESPACES: ReadonlySet<string> = new Set(["mount", "pid", "user"]);

function holderSpec(spec: RuntimeSpec | undefined, container: Container, mounts: readonly Mount[]): RuntimeSpec {
  if (spec === undefined) {
    throw new OrlopError("failed", `Cannot use files of container "${container.name}": its config is lost`);
  }
  const { namespaces = [], uidMappings, gidMappings } = spec.linux ?? {};
  const own = new Set(container.mountPoints);
  const asked = (spec.mounts ?? []).filter(
    // What is not there is made by the start alone.
    ({ type, destination, source = "" }) => type === "bind" && !own.has(destination) && existsSync(source),
  );
  return {
    ociVersion: spec.ociVersion,
    root: spec.root,
    process: { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 } },
    mounts: [...mounts, ...asked],
    linux: {
      namespaces: namespaces.filter(({ type }) => HOLDER_NAMESPACES.has(type)),
      ...(uidMappings === undefined ? {} : { uidMappings }),
      ...(gidMappings === undefined ? {} : { gidMappings }),
    },
  };
}
