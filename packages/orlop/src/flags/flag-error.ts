import { OrlopError } from "@orlop/core";

/** The flags of a command line mean nothing: every command, as docker's do, ends with the exit code that `run` has for what it cannot do. */
export class FlagError extends OrlopError {
  static readonly exitCode = 125;
}
