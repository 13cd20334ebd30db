import type { RuntimeSpec } from "@orlop/core";
import { type CgroupOwner, readDelegateFiles } from "@orlop/kernel";

/**
 * Who is to own the container's version 2 cgroup: with a user and a cgroup namespace of its own, and a cgroup mount that
 * it may write, the host's id of its user (config-linux.md, "Cgroup ownership"). Otherwise nobody but root.
 */
export function cgroupOwner({ process, mounts = [], linux }: RuntimeSpec): { readonly owner?: CgroupOwner } {
  const isNew = (type: string): boolean =>
    linux?.namespaces?.some((namespace) => namespace.type === type && namespace.path === undefined) === true;
  const writable = mounts.some(
    ({ type, options = [] }) => (type === "cgroup" || type === "cgroup2") && !options.includes("ro"),
  );
  if (!isNew("user") || !isNew("cgroup") || !writable) return {};
  const uid = process?.user.uid ?? 0;
  const mapping = linux?.uidMappings?.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  if (mapping === undefined) return {};
  return { owner: { uid: mapping.hostID + uid - mapping.containerID, files: readDelegateFiles() } };
}
