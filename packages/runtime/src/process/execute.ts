import type { Process } from "@orlop/core";
import type { ProgramBuilder, Slot } from "@orlop/kernel";

/** What execvp(3) searches when PATH is not set. */
const DEFAULT_PATH = "/bin:/usr/bin";

/** Number of the first descriptor that a program can be given beside its standard ones. */
const FIRST_INHERITED = 3;

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

interface ExecuteOptions {
  /** The descriptor through which a failure is told. */
  readonly told: Slot;
  /** What the program is to have as descriptors from 3 up. */
  readonly descriptors?: readonly number[] | undefined;
  /** The file to execute, where it is not `args[0]`. */
  readonly executable?: string | undefined;
}

/** Closes all descriptors from `first` up but one. */
export function emitCloseAround(p: ProgramBuilder, first: number, kept: Slot): void {
  const edge = p.slot("edge");
  // Where it is the first, there is nothing below it to close.
  p.add(edge, kept, p.number(-1));
  p.call("close_range", [first, edge, 0], { ignore: ["EINVAL"] });
  p.add(edge, kept, 1);
  p.call("close_range", [edge, p.number(0xffff_ffff, "~0U"), 0]);
}

/**
 * Executes the user's program. Returns to the failure handler only: ENOENT when no candidate exists, EACCES when one
 * exists and may not be executed, else what the kernel says.
 */
export function emitExecute(
  p: ProgramBuilder,
  process: Process,
  { told, descriptors = [], executable }: ExecuteOptions,
): void {
  const result = p.slot("exec_result");
  const denied = p.slot("denied");
  const args = p.vector(process.args);
  const env = p.vector(lastOfEach(process.env ?? []));
  // From below: each is above its place, or in it already.
  for (const [index, fd] of descriptors.entries()) {
    if (index === 0) p.step({ action: "put the descriptors that the program is to have in place" });
    if (fd === FIRST_INHERITED + index) p.call("fcntl", [fd, p.flags("F_SETFD"), 0]);
    else p.call("dup3", [fd, FIRST_INHERITED + index, 0]);
  }
  p.step({
    action: "close what the program must not inherit",
    why: "CVE-2024-21626: no descriptor that was not asked for survives the exec",
  });
  const first = FIRST_INHERITED + descriptors.length;
  const everything = p.number(0xffff_ffff, "~0U");
  const flagless = p.label("Linux before 5.11");
  const closed = p.label("nothing is inherited");
  p.call("close_range", [first, everything, p.flags("CLOSE_RANGE_CLOEXEC")], { on: ["EINVAL"], goto: flagless });
  p.jump(closed);
  p.mark(flagless);
  // It cannot mark a range. What a failure would be told through closes on exec by itself.
  emitCloseAround(p, first, told);
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
