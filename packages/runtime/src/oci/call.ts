import type { Hands } from "./hands.ts";

/** The command's own name. */
export const COMMAND_NAME = "orlop-oci";

/** One call of the command, as its caller made it: nothing here is this process's own. */
export interface Call {
  /** What the command was called by, and goes by in what it says: {@link COMMAND_NAME}, or what a link to it is called. */
  readonly name: string;
  /** The words behind the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute; relative paths of the command line start from here. */
  readonly cwd: string;
  /** Its file mode creation mask: what its files get besides their mode. */
  readonly umask: number;
  /** The process that was called: the launcher, or this process where there is none. */
  readonly pid: number;
  /** The text of its /proc/self/cgroup, where that is another process than this one. */
  readonly ownCgroups?: string;
  readonly hands: Hands;
  /** What the command says on standard output. Written before the call ends, in order. */
  print(text: string): void;
  /**
   * Says something on standard output at once, for a verb that goes on until somebody ends it. Resolves with whether there
   * is still somebody to hear more.
   */
  show(text: string): Promise<boolean>;
  /** What it says on standard error. */
  complain(text: string): void;
  /**
   * All of standard input, for `--resources -`. A call whose caller is another process than this one cannot read it and
   * throws {@link NotHere} before anything has been done.
   */
  readInput(): Promise<Buffer>;
}

/** This process cannot do what is asked; the caller's own Node process can, and will do it from the start. */
export class NotHere extends Error {}

/** Whether the process that was called is this one, so that its descriptors and its standard streams are at hand. */
export function isOwnCall({ pid }: Pick<Call, "pid">): boolean {
  return pid === process.pid;
}
