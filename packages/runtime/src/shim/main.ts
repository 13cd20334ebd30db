/** What `bin/containerd-shim-orlop-v1` executes. Its first argument is the directory of the command. */
import { readFileSync, writeSync } from "node:fs";
import { runtimeVersion } from "../oci/version-text.ts";
import { bootstrapResult, readBootstrapParams, type ShimStart } from "../shim-protocol/bootstrap.ts";
import { deleteAnswer, deleteShim } from "./delete-shim.ts";
import { runtimeInfo } from "./runtime-info.ts";
import { HELP, readShimArguments } from "./shim-arguments.ts";
import { shimPlace } from "./shim-place.ts";
import { startShim } from "./start-shim.ts";

async function run(bin: string, words: readonly string[]): Promise<string | Uint8Array> {
  const { action, id, bundle, ...group } = readShimArguments(words);
  switch (action) {
    case "start":
      // Since 2.3 containerd says everything on standard input, too; one that says nothing otherwise is yet to come.
      if (group.address === "") return bootstrapResult(await start(bin, readBootstrapParams(readFileSync(0))));
      return start(bin, { ...group, id, eventsAddress: process.env.TTRPC_ADDRESS ?? "" });
    case "delete": {
      const place = shimPlace(group, process.env);
      return deleteAnswer(await deleteShim(place, id, bundle === "" ? process.cwd() : bundle));
    }
    case "info":
      return runtimeInfo();
    case "version":
      return `containerd-shim-orlop-v1:\n  Version:  ${runtimeVersion()}\n`;
    case "help":
      return HELP;
  }
}

function start(bin: string, asked: Omit<ShimStart, "publishBinary">): Promise<string> {
  return startShim({ ...asked, place: shimPlace(asked, process.env), bin, bundle: process.cwd() });
}

// `bin/run-node.sh` puts a colon in front of words that Node would take for its own.
const [bin = "", ...words] = process.argv.slice(2).map((word) => (word.startsWith(":") ? word.slice(1) : word));
try {
  writeAll(1, await run(bin, words));
  process.exit(0);
} catch (error) {
  writeAll(2, `containerd-shim-orlop-v1: ${(error as Error).message}\n`);
  process.exit(1);
}

function writeAll(fd: number, text: string | Uint8Array): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
}
