import type { Command } from "../command.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { Attendant } from "./attendant.ts";
import { containerCommand } from "./container-verb.ts";

/** What {@link Attendant.ensure} starts. */
export const attendCommand: Command = containerCommand(
  {
    name: "_attend",
    startsProcesses: true,
    usage: "",
    description:
      "Looks after containers that are to be started again or removed when they end, and probes their health, until there are " +
      "none. Other commands start it when it is needed.",
    examples: [],
    table: { flags: [] },
  },
  async ({ engine, depot }) => {
    using cancel = new CancelOnSignals();
    // Asked again after the lock is free: whoever has found it taken in between counts on this process.
    while (engine.needsAttendant && !cancel.signal.aborted) {
      using attendant = Attendant.try(depot.root);
      if (attendant === undefined) return 0;
      await engine.attend(cancel.signal);
    }
    return 0;
  },
);
