import type { ContentStore, ImageStore, LeaseStore, Snapshotter } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Database } from "@orlop/image";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printError, printText, printWarning } from "../print.ts";

/** What the verbs for images need of the place where images are. */
export interface ImageShelf {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  /** For events, which are kept beside images. */
  readonly database: Database;
  /** What makes root file systems of layers here. */
  snapshotter(): Promise<Snapshotter>;
  /** Removes what nothing refers to any more. */
  collectGarbage?(): Promise<unknown>;
}

/** Where a verb tells what it has to tell. */
interface VerbOutput {
  /** A result, to standard output. */
  text(text: string): void;
  /** To standard error. */
  error(message: string): void;
  warning(message: string): void;
}

/** One call of a verb. */
export interface VerbCall {
  readonly shelf: ImageShelf;
  readonly flags: ParsedFlags;
  readonly output: VerbOutput;
  readonly nowMs: number;
  /** All containers of this user. */
  containers(): Promise<readonly Container[]>;
}

const STANDARD_OUTPUT: VerbOutput = { text: printText, error: printError, warning: printWarning };

/** A command that works with this user's images; resolves with the exit code. */
export function imageCommand(
  command: Omit<Command, "run" | "failureExitCode">,
  verb: (call: VerbCall) => Promise<number>,
): Command {
  return {
    ...command,
    failureExitCode: 1,
    async run(flags) {
      const { openDepot } = await import("../store/open-depot.ts");
      await using shelf = openDepot();
      const call = { shelf, flags, output: STANDARD_OUTPUT, nowMs: Date.now(), containers: listContainers };
      return await verb(call);
    },
  };
}

/** What makes containers is loaded by those alone that ask for them. */
async function listContainers(): Promise<readonly Container[]> {
  const { openEngine } = await import("../containers/open-engine.ts");
  await using open = openEngine();
  return await open.engine.list();
}
