import { isAbsolute } from "node:path";
import type { Process } from "@orlop/core";
import { errnoNumber, type ProgramBuilder, type Slot, STATX_BYTES, STATX_MODE_OFFSET } from "@orlop/kernel";

/** Callers of runtimes tell what became of the program by this. */
const FIELD = "process.args[0]";

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

/** 1 where a file that can be executed has been found; what fails then is not for want of it. */
function foundSlot(p: ProgramBuilder): Slot {
  return p.slot("executable_found");
}

interface FindOptions {
  /** The file to execute, where it is not `args[0]`. */
  readonly executable?: string | undefined;
  /** Fail as the execution would; otherwise that is left to it. */
  readonly mustBeThere: boolean;
}

/**
 * Looks for the program inside the new root, as root of it. Whoever creates a container hears already then of one that is
 * not there or not executable, as from the other runtimes, and not only who starts it.
 */
export function emitFindExecutable(
  p: ProgramBuilder,
  process: Process,
  { executable, mustBeThere }: FindOptions,
): void {
  const found = foundSlot(p);
  const result = p.slot("exec_result");
  const denied = p.slot("denied");
  const stat = p.scratch(STATX_BYTES, "{statx}");
  const done = p.label("looked everywhere");
  const here = p.flags("AT_FDCWD");
  p.step({ action: executeAction(process, executable), field: FIELD, why: "is it there at all?" });
  p.set(found, 0);
  p.set(denied, 0);
  for (const candidate of executable === undefined ? executableCandidates(process) : [executable]) {
    const path = p.text(isAbsolute(candidate) || candidate === "" ? candidate : `${process.cwd}/${candidate}`);
    const refused = p.label("refused");
    const next = p.label("next candidate");
    p.call("faccessat2", [here, path, p.flags("X_OK"), 0], { into: result, on: "any", goto: refused });
    p.call("statx", [here, path, 0, p.flags("STATX_TYPE"), stat], { on: "any", goto: next });
    p.load(result, stat.at(STATX_MODE_OFFSET), 2);
    p.and(result, result, p.flags("S_IFMT"));
    p.set(found, 1);
    p.branch(result, "ne", p.flags("S_IFDIR"), done);
    p.set(found, 0);
    p.set(denied, 1);
    p.jump(next);
    p.mark(refused);
    p.branch(result, "eq", p.number(-errnoNumber("ENOENT"), "-ENOENT"), next);
    p.branch(result, "eq", p.number(-errnoNumber("ENOTDIR"), "-ENOTDIR"), next);
    // Anything else, such as a call that a sandbox does not know, is for the execution to tell.
    p.branch(result, "ne", p.number(-errnoNumber("EACCES"), "-EACCES"), done);
    p.set(denied, 1);
    p.mark(next);
  }
  if (mustBeThere) emitFailAsAbsent(p, denied);
  p.mark(done);
}

function emitFailAsAbsent(p: ProgramBuilder, denied: Slot): void {
  const missing = p.label("missing");
  p.branch(denied, "eq", 0, missing);
  p.fail("EACCES");
  p.mark(missing);
  p.fail("ENOENT");
}

/** What the kernel does not find for a file that is there is what that file wants to be executed by. */
function emitBlameInterpreter(p: ProgramBuilder, process: Process, executable: string | undefined, denied: Slot): void {
  const other = p.label("it is something else");
  p.branch(denied, "ne", 0, other);
  p.branch(foundSlot(p), "eq", 0, other);
  p.step({ action: `find the interpreter of "${executable ?? process.args[0] ?? ""}"`, field: FIELD });
  p.fail("ENOENT");
  p.mark(other);
  p.step({ action: executeAction(process, executable), field: FIELD });
}

function executeAction({ args }: Process, executable: string | undefined): string {
  return `execute "${executable ?? args[0] ?? ""}"`;
}

interface ExecuteOptions {
  /** The descriptor through which a failure is told. */
  readonly told: Slot;
  /** What the program is to have as descriptors from 3 up. */
  readonly descriptors?: readonly number[] | undefined;
  /** The file to execute, where it is not `args[0]`. */
  readonly executable?: string | undefined;
  /** {@link emitFindExecutable} has been here. */
  readonly looked?: boolean;
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
 * Closes everything but the standard descriptors and `kept`, which gets another number; `last` only when nothing else is
 * open any more: whoever holds its other end hears of that.
 */
export function emitCloseAllBut(p: ProgramBuilder, kept: Slot, last: Slot): void {
  const first = p.slot("edge");
  const end = p.slot("edge_below");
  p.add(first, last, 1);
  p.call("fcntl", [kept, p.flags("F_DUPFD_CLOEXEC"), first], { into: kept });
  p.add(end, kept, p.number(-1));
  // Where the two are neighbours, there is nothing between them to close.
  p.call("close_range", [first, end, 0], { ignore: ["EINVAL"] });
  p.add(first, kept, 1);
  p.call("close_range", [first, p.number(0xffff_ffff, "~0U"), 0]);
  p.call("close_range", [FIRST_INHERITED, last, 0]);
}

/** 1 where the kernel cannot mark a range. */
function unmarkedSlot(p: ProgramBuilder): Slot {
  return p.slot("unmarked");
}

/**
 * Has everything but the standard descriptors closed by the exec. Before any filter of the user's: profiles that are older
 * than close_range(2) forbid it. What is opened afterwards has to be marked by itself.
 */
export function emitCloseOnExec(p: ProgramBuilder): void {
  const flagless = p.label("Linux before 5.11");
  const marked = p.label("everything is marked");
  p.step({
    action: "close what the program must not inherit",
    why: "CVE-2024-21626: no descriptor that was not asked for survives the exec",
  });
  p.set(unmarkedSlot(p), 0);
  const range = [FIRST_INHERITED, p.number(0xffff_ffff, "~0U"), p.flags("CLOSE_RANGE_CLOEXEC")] as const;
  p.call("close_range", range, { on: ["EINVAL"], goto: flagless });
  p.jump(marked);
  p.mark(flagless);
  p.set(unmarkedSlot(p), 1);
  p.mark(marked);
}

/**
 * Executes the user's program, behind {@link emitCloseOnExec}. Returns to the failure handler only: ENOENT when no candidate exists, EACCES when one
 * exists and may not be executed, else what the kernel says.
 */
export function emitExecute(
  p: ProgramBuilder,
  process: Process,
  { told, descriptors = [], executable, looked = false }: ExecuteOptions,
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
  const closed = p.label("nothing is inherited");
  p.branch(unmarkedSlot(p), "eq", 0, closed);
  // What a failure would be told through closes on exec by itself.
  emitCloseAround(p, FIRST_INHERITED + descriptors.length, told);
  p.mark(closed);
  p.step({ action: executeAction(process, executable), field: FIELD });
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
    p.branch(result, "ne", p.number(-errnoNumber("EACCES"), "-EACCES"), absent);
    p.set(denied, 1);
    p.mark(absent);
  }
  if (looked) emitBlameInterpreter(p, process, executable, denied);
  emitFailAsAbsent(p, denied);
}
