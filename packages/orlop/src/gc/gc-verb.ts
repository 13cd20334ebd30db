import type { Snapshotter } from "@orlop/core";
import type { Engine } from "@orlop/engine";
import type { CollectedGarbage, CollectedStore, CollectOptions } from "@orlop/image";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { openEngine } from "../containers/open-engine.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import type { ImageShelf } from "../images/image-verb.ts";
import type { PrunedNetworks } from "../networks/prune-networks.ts";
import { printText } from "../print.ts";

/** What these verbs do with containers, and with what belongs to those. */
export interface PrunedContainers extends Pick<Engine, "list" | "remove"> {
  readonly pods: Pick<Engine["pods"], "list" | "remove">;
  readonly volumes: Pick<Engine["volumes"], "list" | "users" | "remove">;
  networks(): Promise<PrunedNetworks>;
}

/** What the verbs that give the disk back need of the place where images are. */
export interface CollectedShelf extends ImageShelf {
  collectGarbage(options?: CollectOptions): Promise<CollectedGarbage>;
  /** All that is there. */
  parts(): Promise<CollectedStore>;
  snapshotterOf(name: string): Promise<Snapshotter>;
}

/** One call of a verb. */
export interface GcCall {
  readonly shelf: CollectedShelf;
  readonly engine: PrunedContainers;
  readonly flags: ParsedFlags;
  readonly nowMs: number;
  /** To standard output. */
  print(text: string): void;
  /** Where an answer is read from. */
  readonly input: AsyncIterable<Buffer | string>;
}

/** A command that works with this user's containers and images; resolves with the exit code. */
export function gcCommand(
  command: Omit<Command, "run" | "failureExitCode">,
  verb: (call: GcCall) => Promise<number>,
): Command {
  return {
    ...command,
    failureExitCode: 1,
    async run(flags) {
      await using open = openEngine();
      const { depot: shelf, engine } = open;
      return await verb({
        ...{ shelf, engine, flags, nowMs: Date.now(), print: printText },
        get input() {
          return caller().stdin;
        },
      });
    },
  };
}
