import { closeSync, openSync } from "node:fs";
import { systemFailure } from "@orlop/kernel";
import type { NamespaceFile } from "./emit-enter.ts";

interface NamespaceOwner {
  /** Of the sandbox's init. */
  readonly pid: number;
  /** Its network namespace belongs to a user namespace of its own. */
  readonly rootless: boolean;
}

/**
 * What has to be entered to be on a sandbox's network, held until the stack is disposed of. By descriptors of this process: the
 * pid may be somebody else's one day.
 *
 * @param action completes `Cannot`
 */
export function holdNamespaces(
  action: string,
  { pid, rootless }: NamespaceOwner,
  stack: AsyncDisposableStack,
): readonly NamespaceFile[] {
  const hold = (name: string, flag: NamespaceFile["flag"]): NamespaceFile => {
    try {
      const fd = openSync(`/proc/${pid}/ns/${name}`, "r");
      stack.defer(() => closeSync(fd));
      return { path: `/proc/${process.pid}/fd/${fd}`, flag };
    } catch (cause) {
      throw systemFailure(action, cause);
    }
  };
  return [...(rootless ? [hold("user", "CLONE_NEWUSER")] : []), hold("net", "CLONE_NEWNET")];
}
