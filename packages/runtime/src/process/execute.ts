import type { Process } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";

/** What execvp(3) searches when PATH is not set. */
const DEFAULT_PATH = "/bin:/usr/bin";

/** Where the executable may be: as execvp(3) looks for it, with the PATH of the container. */
export function executableCandidates({ args, env = [] }: Process): readonly string[] {
  const name = args[0] ?? "";
  // An empty name is nowhere; behind a directory of PATH it would be that directory.
  if (name === "" || name.includes("/")) return [name];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
  return path.split(":").map((directory) => `${directory === "" ? "." : directory}/${name}`);
}

/** Of a variable that is given twice the last value counts, as for every other runtime. */
function lastOfEach(env: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const entry of env) byName.set(entry.split("=", 1)[0] ?? "", entry);
  return [...byName.values()];
}

/**
 * Executes the user's program. Returns to the failure handler only: ENOENT when no candidate exists, EACCES when one
 * exists and may not be executed, else what the kernel says.
 */
export function emitExecute(p: ProgramBuilder, process: Process, executable?: string): void {
  const result = p.slot("exec_result");
  const denied = p.slot("denied");
  const args = p.vector(process.args);
  const env = p.vector(lastOfEach(process.env ?? []));
  p.step({
    action: "close what the program must not inherit",
    why: "CVE-2024-21626: no descriptor from 3 up survives the exec",
  });
  const everything = p.number(0xffff_ffff, "~0U");
  const flagless = p.label("Linux before 5.11");
  const closed = p.label("nothing is inherited");
  p.call("close_range", [3, everything, p.flags("CLOSE_RANGE_CLOEXEC")], { on: ["EINVAL"], goto: flagless });
  p.jump(closed);
  p.mark(flagless);
  // All but the control socket, which closes on exec by itself and takes the report of a failure.
  p.call("close_range", [4, everything, 0]);
  p.mark(closed);
  p.step({ action: `execute "${executable ?? process.args[0] ?? ""}"`, field: "process.args[0]" });
  p.set(denied, 0);
  const candidates = executable === undefined ? executableCandidates(process) : [executable];
  for (const candidate of candidates) {
    const absent = p.label("absent");
    const refused = p.label("refused");
    p.call("execve", [p.text(candidate), args, env], {
      into: result,
      on: ["ENOENT", "ENOTDIR", "EACCES"],
      goto: refused,
    });
    p.mark(refused);
    p.branch(result, "ne", p.number(-13, "-EACCES"), absent);
    p.set(denied, 1);
    p.mark(absent);
  }
  const missing = p.label("missing");
  p.branch(denied, "eq", 0, missing);
  p.fail("EACCES");
  p.mark(missing);
  p.fail("ENOENT");
}
