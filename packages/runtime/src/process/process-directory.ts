import { join } from "node:path";
import { parseContainerId } from "@orlop/core";
import { ContainerDirectory } from "./container-directory.ts";

/** The state directory of a container's init, or of an exec, below that of a `ProcessRuntime`. */
export function processDirectory(root: string, id: string, execId?: string): string {
  const directory = new ContainerDirectory(join(root, parseContainerId(id)));
  return (execId === undefined ? directory : directory.exec(execId)).path;
}
