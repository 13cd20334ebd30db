import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { ContainerIdFile } from "../run/container-id-file.ts";
import { readMachineView } from "../run/machine-view.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { readRunOptions } from "../run/run-options.ts";
import { createContainer } from "./create-container.ts";
import { openEngine } from "./open-engine.ts";

const OF_RUN_ALONE: ReadonlySet<string> = new Set(["detach", "detach-keys", "sig-proxy", "preserve-fds"]);

export const createCommand: Command = {
  name: "create",
  startsProcesses: true,
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  description:
    "Makes a container that does not run yet, and prints its id. orlop start runs it, as often as you like; what it writes " +
    "to its root file system stays until it is removed, unless its image is host or a directory.\n\n" +
    "IMAGE and the options are those of orlop run.",
  examples: [
    ["orlop create --name box -it 'debian:bookworm?packages=busybox-static'", "made now, run later"],
    ["orlop start -ai box", "run, with this terminal"],
  ],
  table: { ...RUN_FLAGS, flags: RUN_FLAGS.flags.filter(({ name }) => !OF_RUN_ALONE.has(name)) },
  failureExitCode: 1,
  async run(flags) {
    const options = readRunOptions(flags.asFor(RUN_FLAGS.flags), readMachineView());
    await using open = openEngine();
    using stack = new DisposableStack();
    const idFile = options.cidfile === undefined ? undefined : stack.use(new ContainerIdFile(options.cidfile));
    const { id } = await createContainer(open, options);
    idFile?.write(id);
    printText(`${id}\n`);
    return 0;
  },
};
