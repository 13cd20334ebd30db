import type { RuntimeSpec } from "@orlop/core";

/** The user of a container's as the host numbers it; undefined for one that the host does not know. */
export function hostUid({ linux }: RuntimeSpec, uid: number): number | undefined {
  const mappings = linux?.uidMappings ?? [];
  if (mappings.length === 0) return uid;
  const mapping = mappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return mapping === undefined ? undefined : mapping.hostID + (uid - mapping.containerID);
}
