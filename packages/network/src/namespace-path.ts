import { statSync } from "node:fs";
import type { NetworkNamespace } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";

/** By which other processes find it, too, as long as this one lives where it is a descriptor. */
export function namespacePath(namespace: NetworkNamespace): string {
  return "path" in namespace ? namespace.path : `/proc/${process.pid}/fd/${namespace.fd}`;
}

/** Device and number of its file in nsfs: the same by whatever path. @throws OrlopError `not-found`, `denied` */
export function namespaceIdentity(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    throw systemFailure(`find network namespace "${path}"`, error);
  }
}

/** Whether a path still leads to the namespace that it led to. */
export function isNamespaceThere({ path, identity }: { readonly path: string; readonly identity: string }): boolean {
  try {
    return namespaceIdentity(path) === identity;
  } catch {
    return false;
  }
}
