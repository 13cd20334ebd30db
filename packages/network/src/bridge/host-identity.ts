import { readFileSync } from "node:fs";
import { namespaceIdentity } from "../namespace-path.ts";

/** Names the network namespace of a host until the machine is started again, when its settings are what they were at first. */
export function hostIdentity(namespacePath = "/proc/self/ns/net"): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${namespaceIdentity(namespacePath)}`;
}
