import { OrlopError, type WindowSize } from "@orlop/core";
import type { ContainerDirectory } from "./container-directory.ts";

/** @throws OrlopError `conflict` for a container or an exec without a terminal that is ours */
export function resizeTerminal(
  container: ContainerDirectory,
  id: string,
  { rows, columns }: WindowSize,
  execId: string | undefined,
): void {
  const directory = execId === undefined ? container : container.knownExec(execId);
  if (!directory.hasTerminal()) {
    const what = execId === undefined ? `container "${id}"` : `exec "${execId}"`;
    throw new OrlopError("conflict", `Cannot resize ${what}: it has no terminal, or one that a console socket took`);
  }
  directory.command("resize", ((columns & 0xffff) << 16) | (rows & 0xffff));
}
