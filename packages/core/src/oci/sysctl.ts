import type { LinuxNamespaceType } from "./linux.ts";

/** What an IPC namespace has of its own besides fs/mqueue: the table in the kernel's ipc/ipc_sysctl.c. */
const IPC_SYSCTLS: ReadonlySet<string> = new Set([
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/sem",
  "kernel/shmall",
  "kernel/shmmax",
  "kernel/shmmni",
  "kernel/shm_rmid_forced",
]);

/**
 * The path below /proc/sys of a sysctl in either form of sysctl(8). The first separator decides which form it is:
 * the dots of `net/ipv4/conf/eth0.7/forwarding` belong to an interface, whose dotted form is
 * `net.ipv4.conf.eth0/7.forwarding`.
 *
 * @returns `undefined` for a name that has empty parts or climbs out of /proc/sys
 */
export function sysctlPath(name: string): string | undefined {
  const isPath = /^[^./]*\//.test(name);
  const path = isPath ? name : name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..") ? path : undefined;
}

/**
 * The kind of namespace that a sysctl belongs to, or `undefined` when it belongs to the whole machine.
 *
 * @param path as {@link sysctlPath} returns it
 */
export function sysctlNamespace(path: string): LinuxNamespaceType | undefined {
  if (IPC_SYSCTLS.has(path) || path.startsWith("fs/mqueue/")) return "ipc";
  if (path.startsWith("net/")) return "network";
  if (path === "kernel/domainname" || path === "kernel/hostname") return "uts";
  if (path.startsWith("user/")) return "user";
  return undefined;
}
