import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import type { HeldRoot } from "@orlop/engine";
import { readTar, writeTar } from "@orlop/image";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { humanSize } from "../format/human-size.ts";
import { type CopyPath, parseCopyPath } from "./copy-path.ts";
import { copyTo, openSource, unpackTo } from "./copy-tree.ts";
import { type TreePlace, treePlace } from "./tree-place.ts";
import { writeOut } from "./write-out.ts";

export const cpCommand: Command = containerCommand(
  {
    name: "cp",
    usage: "[OPTIONS] CONTAINER:PATH PATH|-\n       orlop cp [OPTIONS] PATH|- CONTAINER:PATH",
    description:
      "Copies files and directories between a container, whether or not it runs, and this machine. With - the one side is a tar " +
      "archive on standard input or output. What is copied belongs to root in the container, and to you on this machine, " +
      "unless --archive says otherwise.\n\n" +
      "No link in the container leads out of it, and none that is copied leads out of where it is copied to.",
    examples: [
      ["orlop cp web:/etc/app.conf .", "a file of web"],
      ["orlop cp site/. web:/srv/www", "what is in site"],
      ["orlop cp web:/var/log - | tar -t", "as an archive"],
    ],
    table: {
      flags: [
        { name: "archive", short: "a", help: "Keep owners" },
        { name: "follow-link", short: "L", help: "Copy what a link at the end of the source's path leads to" },
        { name: "quiet", short: "q", help: "Do not tell on a terminal how much was copied" },
      ],
      refused: [
        { name: "overwrite", isSwitch: true, reason: "a directory is not replaced by a file; remove it first" },
      ],
      flagsAnywhere: true,
    },
  },
  copy,
);

async function copy(call: ContainerCall): Promise<number> {
  const [from, to, ...others] = call.flags.positional.map(parseCopyPath);
  if (from === undefined || to === undefined || others.length > 0) {
    throw new OrlopError(
      "invalid",
      `a source and a destination are taken, and there are ${call.flags.positional.length}`,
    );
  }
  if (from.container !== undefined && to.container !== undefined) {
    throw new OrlopError("invalid", "copying between containers is not supported");
  }
  if (from.container !== undefined) return await copyOut(call, from.container, from, to);
  if (to.container !== undefined) return await copyIn(call, to.container, from, to);
  throw new OrlopError("invalid", "must specify at least one container source");
}

async function copyOut(call: ContainerCall, name: string, from: CopyPath, to: CopyPath): Promise<number> {
  const { engine, flags, machine } = call;
  if (to.isStream && caller().isTerminal(1)) {
    throw new OrlopError("invalid", "cowardly refusing to copy to a terminal; redirect it");
  }
  const container = await engine.find(name);
  const bytes = await engine.withRoot(container.id, async (held) => {
    using root = new RootDirectory(held.path);
    const options = { follows: flags.isOn("follow-link"), ownIsRoot: to.isStream && machine.rootless };
    const source = openSource(containerPlace(root, held, from.path), options);
    if (to.isStream) {
      await writeOut(writeTar(source.entries(source.isContent ? "" : source.name)));
      return 0;
    }
    using host = new RootDirectory("/");
    return await copyTo(hostPlace(host, to.path), source, {
      keepsOwners: flags.isOn("archive"),
      followsInTree: false,
    });
  });
  engine.tell(container, "archive-path");
  tell(call, bytes, to.path);
  return 0;
}

async function copyIn(call: ContainerCall, name: string, from: CopyPath, to: CopyPath): Promise<number> {
  const { engine, flags } = call;
  const container = await engine.find(name);
  if (container.root.kind === "host" && container.state.status !== "running" && container.state.status !== "paused") {
    const what = "its files are this machine's own, and what is written to them goes when it ends";
    throw new OrlopError("unsupported", `Cannot copy to container "${name}", which does not run: ${what}`);
  }
  const options = { keepsOwners: flags.isOn("archive"), followsInTree: true };
  const bytes = await engine
    .withRoot(container.id, async (held) => {
      using root = new RootDirectory(held.path);
      using host = new RootDirectory("/");
      const place = containerPlace(root, held, to.path);
      if (from.isStream) return await unpackTo(place, readTar(caller().stdin), options);
      const reading = { follows: flags.isOn("follow-link"), ownIsRoot: false };
      return await copyTo(place, openSource(hostPlace(host, from.path), reading), options);
    })
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EROFS") throw error;
      throw new OrlopError("denied", "container rootfs is marked read-only", { cause: error });
    });
  engine.tell(container, "extract-to-dir");
  tell(call, bytes, `${name}:${to.path}`);
  return 0;
}

function containerPlace(root: RootDirectory, { container }: HeldRoot, path: string): TreePlace {
  return treePlace(root, path, `Could not find the file ${path} in container ${container.name}`);
}

function hostPlace(root: RootDirectory, path: string): TreePlace {
  const [end = ""] = /\/\.?$|^\.$/.exec(path) ?? [];
  const whole = `${resolve(caller().cwd, path)}${end === "." ? "/." : end}`;
  return treePlace(root, whole, `lstat ${path}: no such file or directory`);
}

/** As docker, to people alone. */
function tell({ flags }: ContainerCall, bytes: number, destination: string): void {
  if (flags.isOn("quiet") || !caller().isTerminal(1) || destination === "-") return;
  caller().stderr.write(`Successfully copied ${humanSize(bytes)} to ${destination}\n`);
}
