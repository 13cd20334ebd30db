import { writeFileSync } from "node:fs";
import { systemFailure } from "@orlop/kernel";
import type { SnapshotChange } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { changesText } from "../commit/changes-text.ts";
import { readMachineView } from "../run/machine-view.ts";
import { removeTree } from "../run/own-directory.ts";
import { runContainer } from "../run/run-container.ts";
import { openWrites } from "./capture.ts";
import { HostCapture } from "./host-capture.ts";
import { commitCapture, isWanted } from "./settle-capture.ts";
import { type Outcome, readTryOptions, type Terminals, TRY_FLAGS, type TryOptions } from "./try-options.ts";

export const tryCommand: Command = {
  name: "try",
  startsProcesses: true,
  usage: "[OPTIONS] COMMAND [ARG...]",
  description:
    "Runs a command on this machine's files and captures what it writes, instead of writing it; shows the changes when the " +
    "command has ended; and writes them to the files then, or throws them away. On a terminal it asks which; elsewhere they are " +
    "thrown away without --commit or --keep.\n\n" +
    "The command runs as you, in this directory, with your environment and this machine's network. It sees nothing of other " +
    "processes, has a /dev, /proc, /sys and /run of its own, and reaches no service by a socket in the file system: what those would do could not be " +
    "captured.\n\n" +
    "Changes are A PATH for what has been added, C PATH for what has been changed, also directories with changes in them, and " +
    "D PATH for what has been deleted. They are not written where a file that they change has been changed by others " +
    "meanwhile: then they are kept for orlop capture.\n\n" +
    "The exit code is the command's, and 125 for what orlop itself refuses or fails at.",
  examples: [
    ["orlop try -- make install", "what it would install, and whether to"],
    ["orlop try --commit -- ./upgrade.sh", "all of it if it succeeds, and nothing otherwise"],
    ["orlop try --keep --network none -- ./configure", "for orlop capture diff and orlop capture commit"],
  ],
  table: TRY_FLAGS,
  failureExitCode: 125,
  async run(flags) {
    const machine = readMachineView();
    const options = readTryOptions(flags, machine, terminals());
    using host = new HostCapture(options.command, {
      locked: machine.rootless,
      workdir: options.run.workdir ?? machine.cwd,
    });
    const exitCode = await runContainer(options.run, machine, async () => host.open());
    await settle(host, exitCode, options);
    return exitCode;
  },
};

function terminals(): Terminals {
  const who = caller();
  const [input, output, error] = ([0, 1, 2] as const).map((descriptor) => who.isTerminal(descriptor));
  return { command: input === true && output === true, question: input === true && error === true };
}

async function settle(host: HostCapture, exitCode: number, options: TryOptions): Promise<void> {
  using writes = openWrites(host.capture);
  const changes = await writes.list();
  report(changes, options);
  if (changes.length === 0) return;
  switch (await outcomeOf(exitCode, options)) {
    case "commit":
      return await commit(host);
    case "keep":
      return sayKept(host.keep().id);
    case "discard":
      return say("the changes are discarded");
  }
}

async function outcomeOf(exitCode: number, { outcome }: TryOptions): Promise<Exclude<Outcome, "ask">> {
  if (outcome === "ask") return (await isWanted("Commit these changes? [y/N] ")) ? "commit" : "discard";
  if (outcome !== "commit" || exitCode === 0) return outcome;
  say(`nothing is committed: the command has ended with ${exitCode}`);
  return "keep";
}

/** Kept until all is done: whoever ends this process on the way can go on. */
async function commit(host: HostCapture): Promise<void> {
  const kept = host.keep();
  try {
    await commitCapture(kept);
  } catch (error) {
    sayKept(kept.id);
    throw error;
  }
  removeTree(kept.directory);
  say("the changes are committed");
}

function report(changes: readonly SnapshotChange[], { format, output }: TryOptions): void {
  const text = changesText(changes, format);
  if (output === undefined) caller().stderr.write(text);
  else {
    try {
      writeFileSync(caller().path(output), text);
    } catch (cause) {
      throw systemFailure(`write changes to "${output}"`, cause);
    }
  }
  const count = (wanted: SnapshotChange["kind"]): string =>
    `${changes.filter(({ kind }) => kind === wanted).length} ${wanted}`;
  say(changes.length === 0 ? "nothing was written" : [count("added"), count("changed"), count("deleted")].join(", "));
}

function sayKept(id: string): void {
  say(`the changes are kept: orlop capture diff|commit|rm ${id}`);
}

function say(text: string): void {
  caller().stderr.write(`orlop: ${text}\n`);
}
