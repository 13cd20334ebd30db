import { chownSync, lchownSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { LinuxIDMapping, LinuxNamespace, LinuxNamespaceType, RuntimeSpec } from "@orlop/core";
import type { ConfigContext, DifferentialConfig } from "../differential/differential-config.ts";
import { HELD_USER_MAPPING, type HeldNamespace, holdNamespaces } from "../namespace-holder.ts";
import { walkTree } from "../walk-tree.ts";
import { baseSpec, withLinux, withProcess } from "./base-spec.ts";

const usual: readonly LinuxNamespaceType[] = ["pid", "network", "ipc", "uts", "mount"];

function withNamespaces(spec: RuntimeSpec, namespaces: readonly LinuxNamespace[]): RuntimeSpec {
  return withLinux(spec, { namespaces });
}

function sharing(type: LinuxNamespaceType, change: (spec: RuntimeSpec) => RuntimeSpec = (spec) => spec) {
  return (context: ConfigContext): RuntimeSpec => {
    const rest = usual.filter((each) => each !== type).map((each) => ({ type: each }));
    return change(withNamespaces(baseSpec(context), rest));
  };
}

function adding(type: LinuxNamespaceType, change: (spec: RuntimeSpec) => RuntimeSpec = (spec) => spec) {
  return (context: ConfigContext): RuntimeSpec =>
    change(
      withNamespaces(
        baseSpec(context),
        [...usual, type].map((each) => ({ type: each })),
      ),
    );
}

/** The spec's name and the kernel's. */
function joining(type: LinuxNamespaceType, held: HeldNamespace): DifferentialConfig {
  return {
    name: `join-${type}`,
    exercises: `a ${type} namespace that exists`,
    make: async (context) => {
      const holder = context.stack.use(await holdNamespaces([held]));
      context.nameNamespace(holder.identity(held), "path");
      const namespaces = usual.filter((each) => each !== type).map((each): LinuxNamespace => ({ type: each }));
      return withNamespaces(baseSpec(context), [...namespaces, { type, path: holder.path(held) }]);
    },
  };
}

/** Gives the root file system to the user that the container's root is. */
function shiftOwners(directory: string, offset: number): void {
  chownSync(directory, offset, offset);
  for (const name of walkTree(directory)) lchownSync(join(directory, name), offset, offset);
}

const hostOffset = HELD_USER_MAPPING.hostID;
const wide: readonly LinuxIDMapping[] = [HELD_USER_MAPPING];

function withUserNamespace(context: ConfigContext, mappings: readonly LinuxIDMapping[]): RuntimeSpec {
  shiftOwners(context.rootfs, hostOffset);
  const spec = adding("user")(context);
  return withLinux(spec, { uidMappings: mappings, gidMappings: mappings });
}

const userNamespaceConfigs: readonly DifferentialConfig[] = [
  {
    name: "user-namespace",
    exercises: "a user namespace whose root is an ordinary id",
    make: (context) => withUserNamespace(context, wide),
  },
  {
    name: "user-namespace-ranges",
    exercises: "a user namespace with several ranges",
    make: (context) =>
      withUserNamespace(context, [
        { containerID: 0, hostID: hostOffset, size: 1000 },
        { containerID: 1000, hostID: 300_000, size: 1 },
        { containerID: 5000, hostID: 300_100, size: 100 },
      ]),
  },
  {
    name: "user-namespace-as-user",
    exercises: "an ordinary user in a user namespace",
    make: (context) =>
      withProcess(withUserNamespace(context, wide), { user: { uid: 1000, gid: 1000, additionalGids: [2000] } }),
  },
  {
    name: "user-namespace-host-network",
    exercises: "a user namespace over the host's network",
    make: (context) => {
      const spec = withUserNamespace(context, wide);
      const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "network");
      // sysfs belongs to the network namespace's owner and cannot be mounted; the host's tree is everybody's.
      const mounts = (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/sys"));
      return withNamespaces({ ...spec, mounts }, namespaces);
    },
  },
  {
    name: "user-namespace-unmapped-user",
    exercises: "a process user that the mapping does not have",
    make: (context) => withProcess(withUserNamespace(context, wide), { user: { uid: 70_000, gid: 0 } }),
  },
  {
    name: "user-namespace-readonly-root",
    exercises: "a read-only root file system in a user namespace",
    make: (context) => ({ ...withUserNamespace(context, wide), root: { path: "rootfs", readonly: true } }),
  },
  {
    name: "join-user",
    exercises: "a user namespace that exists",
    make: async (context) => {
      const holder = context.stack.use(await holdNamespaces(["user"]));
      context.nameNamespace(holder.identity("user"), "path");
      shiftOwners(context.rootfs, hostOffset);
      const namespaces: LinuxNamespace[] = usual.map((type) => ({ type }));
      return withLinux(baseSpec(context), {
        namespaces: [...namespaces, { type: "user", path: holder.path("user") }],
        uidMappings: wide,
        gidMappings: wide,
      });
    },
  },
];

const withoutHostname = ({ hostname: _, ...spec }: RuntimeSpec): RuntimeSpec => spec;

/** New, shared and existing namespaces of each type. */
export const namespaceConfigs: readonly DifferentialConfig[] = [
  { name: "host-network", exercises: "the host's network namespace", make: sharing("network") },
  { name: "host-pid", exercises: "the host's pid namespace", make: sharing("pid") },
  { name: "host-ipc", exercises: "the host's ipc namespace", make: sharing("ipc") },
  { name: "host-uts", exercises: "the host's uts namespace", make: sharing("uts", withoutHostname) },
  {
    name: "host-uts-with-hostname",
    exercises: "a host name without a uts namespace to hold it",
    // The host's own name: a runtime that sets it there changes nothing.
    make: sharing("uts", (spec) => ({ ...spec, hostname: hostname() })),
  },
  { name: "cgroup-namespace", exercises: "a cgroup namespace", make: adding("cgroup") },
  {
    name: "cgroup-namespace-without-mount",
    exercises: "a cgroup namespace without a cgroup mount",
    make: adding("cgroup", (spec) => ({
      ...spec,
      mounts: (spec.mounts ?? []).filter(({ type }) => type !== "cgroup"),
    })),
  },
  { name: "time-namespace", exercises: "a time namespace", make: adding("time") },
  {
    name: "time-offsets",
    exercises: "clocks shifted in a time namespace",
    make: adding("time", (spec) =>
      withLinux(spec, { timeOffsets: { monotonic: { secs: 1000 }, boottime: { secs: 2000, nanosecs: 5 } } }),
    ),
  },
  {
    name: "duplicate-namespace",
    exercises: "a namespace that is listed twice",
    make: (context) =>
      withNamespaces(
        baseSpec(context),
        [...usual, "uts" as const].map((type) => ({ type })),
      ),
  },
  {
    name: "namespace-path-of-other-type",
    exercises: "a path to a namespace of another type",
    make: async (context) => {
      const holder = context.stack.use(await holdNamespaces(["ipc"]));
      const namespaces = usual.filter((each) => each !== "network").map((type): LinuxNamespace => ({ type }));
      return withNamespaces(baseSpec(context), [...namespaces, { type: "network", path: holder.path("ipc") }]);
    },
  },
  {
    name: "namespace-path-missing",
    exercises: "a namespace path that does not exist",
    make: (context) => {
      const namespaces = usual.filter((each) => each !== "network").map((type): LinuxNamespace => ({ type }));
      return withNamespaces(baseSpec(context), [...namespaces, { type: "network", path: join(context.host, "none") }]);
    },
  },
  joining("network", "net"),
  joining("pid", "pid"),
  joining("ipc", "ipc"),
  joining("uts", "uts"),
  joining("cgroup", "cgroup"),
  ...userNamespaceConfigs,
];
