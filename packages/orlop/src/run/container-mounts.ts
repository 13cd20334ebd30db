import { existsSync } from "node:fs";
import type { Mount } from "@orlop/core";
import type { ContainerUser } from "./container-user.ts";
import type { RequestedDevice } from "./device-flag.ts";
import type { MachineView } from "./machine-view.ts";
import type { RequestedMount } from "./requested-mount.ts";
import type { RunOptions } from "./run-options.ts";

type Owner = Pick<ContainerUser, "uid" | "gid">;
type MountChoices = Pick<RunOptions, "mounts" | "devices" | "shmSizeBytes" | "privileged" | "network" | "namespaces">;

/**
 * The container's mounts in the order in which they can be made: what the root file system consists of, what every
 * container has, what the user asks for. At one place the last one counts.
 */
export function containerMounts(
  standard: readonly Mount[],
  extra: readonly Mount[],
  options: MountChoices,
  { machine, user }: { readonly machine: Pick<MachineView, "rootless">; readonly user: Owner },
): readonly Mount[] {
  const own = standard.flatMap((mount) => adaptMount(mount, options, machine.rootless));
  const asked = options.mounts.map((mount) => askedMounts(mount, user));
  // An ordinary user's container cannot have nodes made: the host's are bound.
  const devices = machine.rootless ? options.devices.map(bindDevice) : [];
  const byPlace = new Map<string, readonly Mount[]>();
  for (const mounts of [...[...extra, ...own, ...devices].map((mount) => [mount] as const), ...asked]) {
    const { destination } = mounts[0];
    byPlace.delete(destination);
    byPlace.set(destination, mounts);
  }
  // Array.prototype.sort keeps the order of what is at the same depth.
  return [...byPlace.values()].flat().sort((a, b) => depth(a) - depth(b));
}

/** A program that is written there gets nobody's rights. */
const DISCARD_OPTIONS: readonly string[] = ["tmpcopyup", "nosuid", "nodev", "rprivate"];

/** One mount, and where nothing is to be written to it, memory over it. */
function askedMounts({ mount, owner, discards }: RequestedMount, user: Owner): readonly [Mount, ...Mount[]] {
  const isSame = owner === undefined || (owner.uid === user.uid && owner.gid === user.gid);
  const below = isSame ? mount : { ...mount, ...mappings(owner, user) };
  if (discards !== true) return [below];
  return [below, { destination: mount.destination, type: "tmpfs", source: "tmpfs", options: DISCARD_OPTIONS }];
}

/** Who is `from` on the disk is `to` in the container (config.md, "uidMappings"). */
function mappings(from: Owner, to: Owner): Pick<Mount, "uidMappings" | "gidMappings"> {
  return {
    uidMappings: [{ containerID: from.uid, hostID: to.uid, size: 1 }],
    gidMappings: [{ containerID: from.gid, hostID: to.gid, size: 1 }],
  };
}

function depth({ destination }: Mount): number {
  return destination.split("/").filter((part) => part !== "").length;
}

function adaptMount(mount: Mount, options: MountChoices, rootless: boolean): readonly Mount[] {
  const { pid, ipc } = options.namespaces ?? {};
  switch (mount.destination) {
    case "/proc":
      // procfs shows the processes of a namespace, and the kernel gives it to nobody but that one's owner.
      return [rootless && pid === "host" ? boundFromHost(mount) : mount];
    case "/dev/mqueue":
      // The same of message queues.
      if (!rootless || ipc !== "host") return [mount];
      return existsSync(mount.destination) ? [boundFromHost(mount)] : [];
    case "/dev/pts":
      // The group tty is not mapped in a user namespace with one group.
      return [rootless ? withoutOptions(mount, (option) => option.startsWith("gid=")) : mount];
    case "/dev/shm":
      if (ipc === "none") return [];
      if (ipc === "host") return [boundFromHost(mount)];
      return [options.shmSizeBytes === undefined ? mount : sized(mount, options.shmSizeBytes)];
    case "/sys": {
      // sysfs shows the devices of a network namespace, and the kernel gives it to nobody but that one's owner.
      const shared = rootless && options.network.kind === "host";
      const sys = shared ? { ...mount, type: "bind", source: "/sys", options: sharedSysOptions } : mount;
      return [options.privileged ? withoutOptions(sys, isReadonly) : sys];
    }
    case "/sys/fs/cgroup":
      // What an ordinary user would see is the hierarchy of the host (CVE-2023-25809).
      if (rootless) return [];
      return [options.privileged ? withoutOptions(mount, isReadonly) : mount];
    default:
      return [mount];
  }
}

const sharedSysOptions: readonly string[] = ["rbind", "nosuid", "noexec", "nodev", "rro", "rprivate"];

/** With what this machine has mounted there; masks and read-only paths come over it as over any other. */
function boundFromHost(mount: Mount): Mount {
  return {
    destination: mount.destination,
    type: "bind",
    source: mount.destination,
    options: ["rbind", "nosuid", "noexec", "nodev", "rprivate"],
  };
}

function isReadonly(option: string): boolean {
  return option === "ro" || option === "rro";
}

function withoutOptions(mount: Mount, drop: (option: string) => boolean): Mount {
  return { ...mount, options: (mount.options ?? []).filter((option) => !drop(option)) };
}

function sized(mount: Mount, bytes: number): Mount {
  const { options = [] } = withoutOptions(mount, (option) => option.startsWith("size="));
  return { ...mount, options: [...options, `size=${bytes}`] };
}

function bindDevice({ device, hostPath }: RequestedDevice): Mount {
  return { destination: device.path, type: "bind", source: hostPath, options: ["bind", "rprivate"] };
}
