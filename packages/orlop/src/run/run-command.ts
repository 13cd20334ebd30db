import type { Command } from "../command.ts";
import { readMachineView } from "./machine-view.ts";
import { runContainer } from "./run-container.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { type RunOptions, readRunOptions } from "./run-options.ts";

export const runCommand: Command = {
  name: "run",
  startsProcesses: true,
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  description:
    "Runs a program in a new container and stays with it until it ends, or leaves it running (--detach). The container is " +
    "there until orlop rm, with what it has written to its root file system and put out; with --rm it is gone when it has " +
    "ended. In the foreground with --rm the program has this command's own streams, and ends with it.\n\n" +
    "IMAGE is host (this machine's own files), the name or id of an image (busybox, registry.example/app:1.2), which is " +
    "pulled when it is not here, debian:SUITE?packages=A,B (made here of a distribution's packages; ubuntu: as well), " +
    "dir:PATH (a directory with a root file system; dir:PATH:rw to keep what is written), oci:PATH[:TAG] (an OCI image " +
    "layout), oci-archive:PATH[:TAG] (one in a tar archive), docker-archive:PATH[:NAME] (what docker save writes) or " +
    "tar:PATH (a root file system in a tar archive). Options stand before it; a -- behind it is skipped.\n\n" +
    "The exit code is the program's, 128 plus the number of the signal that ended it, 127 for a program that is not " +
    "found, 126 for one that cannot be executed, and 125 for what orlop itself refuses or fails at.",
  examples: [
    ["orlop run host -- sh -c 'echo hello from $(hostname), pid $$'", "a container of this machine's own files"],
    ["orlop run -it -v .:/work -w /work host", "a shell beside the files of this directory"],
    ["orlop run -it 'debian:bookworm?packages=busybox-static'", "an image without a registry"],
    ["orlop run -m 512m --cpus 1 --pids-limit 100 --read-only oci:./image", "an image, within limits"],
    ["orlop run --cap-drop ALL --security-opt no-new-privileges -u 1000 dir:/srv/rootfs id", "with less power still"],
  ],
  table: RUN_FLAGS,
  failureExitCode: 125,
  async run(flags) {
    const machine = readMachineView();
    const options = readRunOptions(flags, machine);
    if (options.autoRemove && !options.detach && !needsEngine(options)) return await runContainer(options, machine);
    const { runKept } = await import("../containers/run-kept.ts");
    return await runKept(options);
  },
};

/** Networks, pods, volumes, health, requirements and what is shared have to be known to others, and so has a container that has them. */
function needsEngine(options: RunOptions): boolean {
  const { network, mounts, health, requires = [], pod, namespaces = {} } = options;
  const { pid, ipc } = namespaces;
  if (options.volumesFrom !== undefined || options.attach !== undefined || options.replace === true) return true;
  if (typeof pid === "object" || typeof ipc === "object" || ipc === "shareable") return true;
  if (health?.Test?.[0] === "CMD-SHELL" || requires.length > 0) return true;
  const isConnected = network.kind === "networks" || network.kind === "container";
  return isConnected || pod !== undefined || mounts.some(({ volume }) => volume !== undefined);
}
