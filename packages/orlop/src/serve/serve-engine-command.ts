import { once } from "node:events";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { HeldLayers, SpareNetwork } from "@orlop/runtime/launcher";
import type { Command } from "../command.ts";
import { openEngine } from "../containers/open-engine.ts";
import { daemonPlace } from "../daemon/daemon-place.ts";
import { DaemonServer } from "../daemon/daemon-server.ts";
import { InnerAttendant } from "../daemon/inner-attendant.ts";
import { serveCaller } from "../daemon/serve-caller.ts";
import { loadServedVerbs } from "../daemon/served-verbs.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";

export const serveEngineCommand: Command = {
  name: "engine",
  startsProcesses: true,
  usage: "",
  description:
    "Serves this user's other commands, which then start no Node and take a fraction of the time, until it is ended by a " +
    "signal. Nothing needs it: without it commands do the same by themselves, on the same containers and images, and " +
    "containers run on whatever becomes of it. It answers this user alone, and looks after containers that are to be " +
    "started again or removed when they end.\n\nIt stays in the foreground, for a supervisor such as systemd, which is to end " +
    "no other process with it (KillMode=process).",
  examples: [
    ["orlop serve engine &", "from here on commands are quicker"],
    ["ORLOP_ROOT=/srv/orlop orlop serve engine", "for commands with the same ORLOP_ROOT"],
  ],
  table: { flags: [] },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop serve engine" takes no arguments');
    const place = daemonPlace();
    using cancel = new CancelOnSignals();
    using layers = new HeldLayers(() => Zygote.start());
    await using engine = openEngine({ layers });
    await using attendant = new InnerAttendant(engine);
    const { commandLine } = await import("../command-line.ts");
    // All of it, before anybody can replace a part of it.
    await loadServedVerbs();
    const daemon = { engine, attend: () => attendant.attend() };
    using spare = new SpareNetwork(() => Zygote.start());
    const serving = {
      ...{ daemon, commandLine, spare, layers },
      alone: join(place.bin, "orlop-alone.sh"),
      finish: join(place.bin, "orlop-finish.sh"),
    };
    const say = (text: string): void => void process.stderr.write(`${text}\n`);
    await using _server = await DaemonServer.listen(place, (socket) =>
      serveCaller(socket, serving).catch((error: unknown) => {
        // The launcher sees the end of its socket, and says that its call broke off.
        socket.destroy();
        say(`orlop: This should not have happened: ${error instanceof Error ? error.stack : String(error)}`);
      }),
    );
    say(`Serving the engine of ${engine.depot.root} at unix://${place.socket}`);
    attendant.attend();
    if (!cancel.signal.aborted) await once(cancel.signal, "abort");
    return 0;
  },
};
