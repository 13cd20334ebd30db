import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseContainerId } from "@orlop/core";
import { ContainerDirectory } from "../../process/container-directory.ts";
import { endProcess } from "../../process/end-process.ts";
import { exitStatus } from "../../process/exit-status.ts";
import { readHostView } from "../../process/host-view.ts";
import { PinnedProcess } from "../../process/pinned-process.ts";
import { parseArguments } from "../arguments/parse-arguments.ts";
import type { Call } from "../call.ts";
import { isExecIdOf } from "../exec-id.ts";
import { decodeGlobalOptions, GLOBAL_FLAGS } from "../global-options.ts";
import { OrphanContainers } from "../orphan-containers.ts";
import { toldText } from "../told-text.ts";
import { VERBS } from "../verb-table.ts";

/** A call whose server has gone, or whose caller has. */
export interface AbandonedCall {
  readonly call: Call;
  /** When it began, or later: what was made before is not its own, whatever process ids say. */
  readonly sinceMs: number;
}

/** Verbs that make something. */
const MAKERS: readonly string[] = ["create", "run", "restore", "exec"];

/** What such a call had made: a container, or a process in one. */
interface Made {
  readonly directory: ContainerDirectory;
  /** What was asked to stay when it has ended by itself. */
  readonly isKept: boolean;
  remove(): Promise<void>;
}

/**
 * Does what is left to do of a call whose process in the foreground has ended, and resolves with the exit code; undefined
 * where there is no such process.
 */
export async function finishCall(abandoned: AbandonedCall): Promise<number | undefined> {
  const made = await whatWasMade(abandoned);
  const exit = made?.directory.exit();
  if (made === undefined || exit === undefined || !made.directory.started()) return undefined;
  if (!made.isKept) await made.remove();
  return exitStatus(exit, false).exitCode;
}

/**
 * Removes what a call had made before it broke off: nobody would know of it.
 *
 * @param settled resolves with whether whatever still works on it has ended; asked again until it has
 */
export async function undoCall(abandoned: AbandonedCall, settled: () => Promise<boolean>): Promise<void> {
  const made = await whatWasMade(abandoned);
  if (made === undefined) return;
  do await endMade(abandoned.call, made);
  while (!(await settled()));
  await endMade(abandoned.call, made);
  await made.remove();
}

async function endMade({ hands }: Call, { directory }: Made): Promise<void> {
  const created = directory.created();
  if (created === undefined) return;
  using process = PinnedProcess.open(created.value, created.atMs);
  if (process !== undefined) await endProcess({ zygote: hands, host: readHostView() }, process);
}

async function whatWasMade({ call, sinceMs }: AbandonedCall): Promise<Made | undefined> {
  const globals = parseArguments(GLOBAL_FLAGS, call.args, { stopAtPositional: true });
  const [name = "", ...args] = globals.positional;
  const verb = await VERBS.find((entry) => entry.name === name)?.load();
  const stopAtPositional = verb?.stopAtPositional === true;
  const given = parseArguments(verb?.flags ?? [], args, { stopAtPositional });
  const [id] = given.positional;
  if (id === undefined || !MAKERS.includes(name)) return undefined;
  const { root, cgroupDriver, rootless } = decodeGlobalOptions(call, globals);
  const directory = new ContainerDirectory(join(root, parseContainerId(id)));
  if (name === "exec") return execMade(directory, call.pid, sinceMs);
  if (!directory.exists()) return undefined;
  const { makerPid, createdAtMs } = directory.record(id);
  if (makerPid !== call.pid || createdAtMs < sinceMs) return undefined;
  const warn = (text: string): void => call.complain(`${toldText(text)}\n`);
  const { hands, env, pid: callerPid } = call;
  const debug = (): void => {};
  const containers = new OrphanContainers({ root, hands, cgroupDriver, rootless, callerPid, env, warn, debug });
  return {
    directory,
    isKept: name === "run" && given.isOn("keep"),
    remove: () => containers.delete(id, { force: true }),
  };
}

function execMade(container: ContainerDirectory, makerPid: number, sinceMs: number): Made | undefined {
  const execs = join(container.path, "exec");
  const execId = existsSync(execs) ? readdirSync(execs).find((id) => isExecIdOf(id, makerPid, sinceMs)) : undefined;
  if (execId === undefined) return undefined;
  const directory = container.exec(execId);
  return { directory, isKept: false, remove: async () => directory.remove() };
}
