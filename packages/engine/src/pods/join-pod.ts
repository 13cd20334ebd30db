import type { LinuxNamespaceType, RuntimeSpec } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { withSharedMemory } from "../life/shared-memory.ts";
import type { Container } from "../state/container-rows.ts";
import { expectPod, holdPod } from "./hold-pod.ts";
import type { HeldNamespaces } from "./namespaces/pod-namespaces.ts";
import { podCgroup } from "./pod-cgroup.ts";
import type { Pod } from "./pod-description.ts";
import { writePodNames } from "./pod-names.ts";

const TYPES = { net: "network", ipc: "ipc", uts: "uts", pid: "pid" } as const satisfies Record<
  keyof HeldNamespaces["paths"],
  LinuxNamespaceType
>;

/** The config of a container with what it shares with the others of its pod, which is made where it is not there. */
export async function joinPod(
  context: EngineContext,
  { id, pod: membership, runtime }: Container,
  spec: RuntimeSpec,
): Promise<RuntimeSpec> {
  if (membership === undefined) return spec;
  const held = await holdPod(context, membership.id);
  const pod = expectPod(context, membership.id);
  await writePodNames(context, pod, pod.state.endpoints);
  const { hostname, domainname, linux = {}, ...rest } = spec;
  const { namespaces = [], uidMappings, gidMappings, ...others } = linux;
  const joined = joinedTypes(held);
  const maps = held.user === undefined ? { uidMappings, gidMappings } : {};
  const own = held.paths.uts === undefined ? { hostname, domainname } : {};
  return dropUndefined({
    ...rest,
    ...own,
    ...(held.sharedMemory === undefined ? {} : { mounts: withSharedMemory(spec, held.sharedMemory).mounts }),
    linux: dropUndefined({
      ...others,
      ...maps,
      namespaces: [
        ...namespaces.filter(({ type }) => !joined.has(type)),
        ...[...joined].map(([type, path]) => ({ type, path })),
      ],
      cgroupsPath: memberCgroup(pod, id, runtime),
    }),
  });
}

function joinedTypes({ paths, user }: HeldNamespaces): ReadonlyMap<LinuxNamespaceType, string> {
  const shared = Object.entries(paths) as [keyof typeof TYPES, string][];
  return new Map<LinuxNamespaceType, string>([
    ...(user === undefined ? [] : [["user", user] as const]),
    ...shared.map(([name, path]) => [TYPES[name], path] as const),
  ]);
}

/** Other runtimes count a relative path from where they like. */
function memberCgroup(pod: Pod, id: string, runtime: string): string {
  const path = `${podCgroup(pod)}/${id}`;
  return runtime === "process" || path.startsWith("/") ? path : `/${path}`;
}

function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
