import type { Command } from "../command.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { containerCommand } from "./container-verb.ts";
import { NamesProcess } from "./names-process.ts";

/** What {@link NamesProcess.start} starts. */
export const namesCommand: Command = containerCommand(
  {
    name: "_names",
    usage: "",
    description:
      "Answers names of networks for containers, until none needs it. Other commands start it when it is needed.",
    examples: [],
    table: { flags: [] },
  },
  async ({ engine, depot, networks }) => {
    using cancel = new CancelOnSignals();
    const { names } = await networks();
    // Asked again after the lock is free: whoever has found it taken in between counts on this process.
    while (names?.isNeeded() === true && !cancel.signal.aborted) {
      using own = NamesProcess.try(depot.root);
      if (own === undefined) return 0;
      await engine.serveNames(cancel.signal);
    }
    return 0;
  },
);
