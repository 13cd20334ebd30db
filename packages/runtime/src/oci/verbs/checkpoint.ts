import { statSync } from "node:fs";
import { isIP } from "node:net";
import { isAbsolute, join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { DumpChoices } from "../../criu/dump-container.ts";
import type { GivenArguments } from "../arguments/given-arguments.ts";
import { CRIU_FLAGS, decodeCriuFlags } from "../checkpoint-flags.ts";
import { containerId } from "../container-id.ts";
import type { Verb } from "../verb.ts";

export const checkpointVerb: Verb = {
  name: "checkpoint",
  usage: "CONTAINER",
  description: `Saves the processes of a running container through criu, which has to be installed, and removes
the container. With --leave-running or --pre-dump it goes on instead. 'restore' makes it again.`,
  flags: [
    ...CRIU_FLAGS,
    {
      name: "parent-path",
      kind: "text",
      value: "DIR",
      help: "Images of an earlier --pre-dump, relative to --image-path",
    },
    { name: "leave-running", kind: "switch", help: "Let the container go on" },
    { name: "tcp-skip-in-flight", kind: "switch", help: "Leave connections out that are being made" },
    { name: "link-remap", kind: "switch", help: "Link files again that have been removed" },
    { name: "status-fd", kind: "integer", value: "FD", help: "Gets a NUL when --lazy-pages is ready" },
    { name: "page-server", kind: "text", value: "ADDRESS:PORT", help: "Where to send pages to" },
    { name: "pre-dump", kind: "switch", help: "Only the memory, and let the container go on" },
  ],
  words: [1, 1],
  async run({ call, given, containers }) {
    const id = containerId(given);
    const choices = decodeCriuFlags(call, given);
    await (await containers()).checkpoint({
      id,
      env: call.env,
      ...choices,
      ...decodeDumpFlags(given, choices.imagePath),
    });
    return 0;
  },
};

function decodeDumpFlags(given: GivenArguments, imagePath: string): Partial<DumpChoices> {
  const parentPath = given.filledText("parent-path");
  const pageServer = given.filledText("page-server");
  const statusFd = given.integer("status-fd") ?? NO_DESCRIPTOR;
  if (parentPath !== undefined) checkParent(parentPath, imagePath);
  return {
    leaveRunning: given.isOn("leave-running"),
    tcpSkipInFlight: given.isOn("tcp-skip-in-flight"),
    linkRemap: given.isOn("link-remap"),
    preDump: given.isOn("pre-dump"),
    ...(parentPath === undefined ? {} : { parentPath }),
    ...(pageServer === undefined ? {} : { pageServer: parseAddress(pageServer) }),
    ...(statusFd === NO_DESCRIPTOR ? {} : { statusFd: checkDescriptor(statusFd) }),
  };
}

/** As callers say that they have none. */
const NO_DESCRIPTOR = -1;
const FIRST_DESCRIPTOR = 3;

function checkDescriptor(fd: number): number {
  if (fd >= FIRST_DESCRIPTOR) return fd;
  throw new OrlopError("invalid", `Cannot use --status-fd "${fd}": it is no descriptor from 3 on`);
}

function checkParent(parentPath: string, imagePath: string): void {
  const problem = isAbsolute(parentPath)
    ? "--parent-path must be relative"
    : statSync(join(imagePath, parentPath), { throwIfNoEntry: false })?.isDirectory() !== true
      ? "invalid --parent-path: it is no directory"
      : undefined;
  if (problem !== undefined) throw new OrlopError("invalid", `Cannot use parent "${parentPath}": ${problem}`);
}

const PORT_MAX = 65_535;

function parseAddress(text: string): { readonly address: string; readonly port: number } {
  const [, host = "", digits = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const address = host.replace(/^\[(.*)\]$/, "$1");
  const port = Number(digits);
  if (isIP(address) !== 0 && port > 0 && port <= PORT_MAX) return { address, port };
  throw new OrlopError(
    "invalid",
    `Cannot use page server "${text}": Use --page-server ADDRESS:PORT to specify page server`,
  );
}
