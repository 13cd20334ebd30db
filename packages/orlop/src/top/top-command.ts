import { spawnSync } from "node:child_process";
import { OrlopError, type Runtime } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { firstContainer, LATEST } from "../containers/latest-container.ts";
import { printText } from "../print.ts";
import { namespaceProcesses } from "./namespace-processes.ts";
import { type ProcessTable, parsePsOutput, processTableText } from "./process-table.ts";
import { readProcessTable } from "./read-process-table.ts";

export const topCommand: Command = containerCommand(
  {
    name: "top",
    usage: "[OPTIONS] CONTAINER [PS OPTIONS]",
    description:
      "Lists the processes of a container that runs, as this machine's ps shows them: their ids are those on the host. The " +
      "options are those of ps (-ef); where there is no ps, there are none.",
    examples: [
      ["orlop top web", "who, since when, how long, what"],
      ["orlop top web -o pid,rss,args", "with the memory of each"],
    ],
    table: { flags: [LATEST] },
  },
  showProcesses,
);

async function showProcesses(call: ContainerCall): Promise<number> {
  const { engine, nowMs } = call;
  const { container, words: options } = await firstContainer(call);
  const { id, state } = container;
  if (state.status !== "running" && state.status !== "paused") {
    throw new OrlopError("conflict", `container ${id} is not running`);
  }
  await showProcessTable({ engine, nowMs }, [container], options);
  engine.note(container, ["top"]);
  return 0;
}

/** Prints the processes of containers that run. */
export async function showProcessTable(
  { engine, nowMs }: Pick<ContainerCall, "engine" | "nowMs">,
  containers: readonly Container[],
  options: readonly string[],
): Promise<void> {
  refuseRenamedIds(options);
  const each = containers.map(async (container) => await processesOf(await engine.runtime(container), container));
  const pids = (await Promise.all(each)).flat();
  const table = psTable(options, pids) ?? (options.length === 0 ? readProcessTable(pids, nowMs) : undefined);
  if (table === undefined) {
    throw new OrlopError("unsupported", `Cannot use ps options "${options.join(" ")}": ps is not installed here`);
  }
  printText(processTableText(table));
}

async function processesOf(runtime: Runtime, { id, namespaces }: Container): Promise<readonly number[]> {
  const pids = await runtime.pids(id);
  if (pids.length > 0) return pids;
  const { pid } = await runtime.state(id);
  return pid === undefined ? [] : namespaceProcesses(pid, namespaces?.pid !== undefined);
}

/** The column is found by its title. */
function refuseRenamedIds(options: readonly string[]): void {
  const [, renamed] = /(?:^|[\s,])((?!pid=)\w+)=PID\b/.exec(options.join(" ")) ?? [];
  if (renamed !== undefined) throw new OrlopError("invalid", `specifying "${renamed}=PID" is not allowed`);
}

/** Undefined where there is no ps. */
function psTable(options: readonly string[], pids: readonly number[]): ProcessTable | undefined {
  const asked = options.length === 0 ? ["-ef"] : options;
  const first = ps([...asked, `-q${pids.join(",")}`]);
  if (first === undefined) return undefined;
  // Some options, such as f, do not go with -q, and ps of busybox does not know it.
  const shown = first.status === 0 ? first : ps(asked);
  if (shown === undefined) return undefined;
  if (shown.status === 0) return parsePsOutput(shown.stdout, new Set(pids));
  throw new OrlopError("failed", `ps: ${shown.stderr.split("\n").find((line) => line !== "") ?? "it has failed"}`);
}

const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

function ps(
  args: readonly string[],
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } | undefined {
  const { error, ...ended } = spawnSync("ps", args, { encoding: "utf8", maxBuffer: OUTPUT_MAX_BYTES });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
  return ended;
}
