import { type LinuxNamespaceType, OrlopError, type RuntimeSpec, shortId } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { ownMemoryAsShared, sharedMemoryOf, withSharedMemory } from "./shared-memory.ts";

type SharedType = "network" | "pid" | "ipc";

/** What a container can have of another one: its type, the name of its file in /proc, and what it is to whom asks. */
const SHARED: Readonly<Record<SharedType, readonly [file: string, what: string]>> = {
  network: ["net", "network"],
  pid: ["pid", "process ids"],
  ipc: ["ipc", "IPC"],
};

/**
 * The config with the namespaces of the containers that this one is to share some with, and with the memory that it shares
 * with others itself.
 *
 * @throws OrlopError `conflict` where one of those does not run, or does not share
 */
export async function joinContainers(
  context: EngineContext,
  container: Container,
  spec: RuntimeSpec,
): Promise<RuntimeSpec> {
  const wanted = sharedWith(container);
  const own = container.namespaces?.ipc === "shareable" ? await ownMemoryAsShared(context, container, spec) : spec;
  if (wanted.size === 0) return own;
  const paths = new Map<LinuxNamespaceType, string>();
  for (const [type, id] of wanted) {
    const pid = await initOf(context, container, type, id);
    paths.set(type, `/proc/${pid}/ns/${SHARED[type][0]}`);
    // Its user namespace is what gives an ordinary user the right to enter the others.
    if (context.rootless) refuseTwo(container, paths.get("user"), `/proc/${pid}/ns/user`);
    if (context.rootless) paths.set("user", `/proc/${pid}/ns/user`);
  }
  const donor = wanted.get("ipc");
  const joined = donor === undefined ? own : withSharedMemory(own, shareableMemory(context, container, donor));
  return withNamespaces(joined, paths);
}

/** The ids of the containers whose namespaces a container has, by what it has of them: these have to run when it starts. */
export function sharedWith({ network, namespaces = {} }: Container): ReadonlyMap<SharedType, string> {
  const { pid, ipc } = namespaces;
  const wanted = new Map<SharedType, string>();
  if (network.kind === "container") wanted.set("network", network.id);
  if (typeof pid === "object") wanted.set("pid", pid.container);
  if (typeof ipc === "object") wanted.set("ipc", ipc.container);
  return wanted;
}

async function initOf(context: EngineContext, { name }: Container, type: SharedType, id: string): Promise<number> {
  const other = context.rows.get(id);
  const runtime = other && (await context.runtime(other.runtime));
  const pid = other?.state.status === "running" ? (await runtime?.state(other.id))?.pid : undefined;
  if (pid !== undefined) return pid;
  const called = `container "${other?.name ?? shortId(id)}"`;
  const what = `${called}, whose ${SHARED[type][1]} it is to have, does not run`;
  throw new OrlopError("conflict", `Cannot start container "${name}": ${what}`);
}

function shareableMemory(context: EngineContext, { name }: Container, donor: string): string {
  const found = sharedMemoryOf(context, donor);
  if (found !== undefined) return found;
  // In docker's words.
  const what = `non-shareable IPC (hint: use IpcMode:shareable for the donor container)`;
  throw new OrlopError("conflict", `Cannot start container "${name}": container ${donor}: ${what}`);
}

/** A process is in one user namespace. */
function refuseTwo({ name }: Container, one: string | undefined, other: string): void {
  if (one === undefined || one === other) return;
  const what = "an ordinary user's containers have user namespaces of their own, and it can be in one alone";
  throw new OrlopError("unsupported", `Cannot start container "${name}": it is to share with two others: ${what}`);
}

/** With these instead of its own; who enters a user namespace has the ids that are mapped there. */
function withNamespaces(spec: RuntimeSpec, paths: ReadonlyMap<LinuxNamespaceType, string>): RuntimeSpec {
  const { uidMappings, gidMappings, namespaces = [], ...linux } = spec.linux ?? {};
  const maps = {
    ...(uidMappings === undefined ? {} : { uidMappings }),
    ...(gidMappings === undefined ? {} : { gidMappings }),
  };
  return {
    ...spec,
    linux: {
      ...linux,
      ...(paths.has("user") ? {} : maps),
      namespaces: [
        ...namespaces.filter(({ type }) => !paths.has(type)),
        ...Array.from(paths, ([type, path]) => ({ type, path })),
      ],
    },
  };
}
