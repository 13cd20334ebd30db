import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError, parseContainerId } from "@orlop/core";
import { readServerRecord, type ServerRecord, sweepDeadServer, takePlace } from "./server-record.ts";
import { makeShimPlace, type ShimGroup, type ShimPlace } from "./shim-place.ts";

interface ShimStart extends ShimGroup {
  readonly place: ShimPlace;
  readonly id: string;
  /** Of containerd's events service: the path of a unix socket. */
  readonly eventsAddress: string;
  /** Directory of the bundle. */
  readonly bundle: string;
  /** The directory of this program. */
  readonly bin: string;
}

/** The server's descriptor that says, by its end, that it listens; what is written there is why it does not. */
export const READY_FD = 3;
/** How often is looked whether somebody else's server is there. */
const LOOK_MS = 10;
/** A server has little to do: without this some 15 MB more are garbage after a few dozens of containers. */
const MEMORY_FLAGS = ["--max-semi-space-size=1"];
/** What a server needs of the environment of containerd. */
const ENVIRONMENT = ["HOME", "PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"];
/** In the bundle: where containerd before 1.7 looks for the shim when it has been restarted. */
export const ADDRESS = "address";

/** Sees to it that a server for the container's group runs, and gives its address. */
export async function startShim(start: ShimStart): Promise<string> {
  const { id, place, bundle, eventsAddress } = start;
  if (eventsAddress === "") {
    throw new OrlopError("unsupported", "Cannot start shim: TTRPC_ADDRESS says nothing of where events go");
  }
  const claim = join(place.claims, parseContainerId(id));
  makeShimPlace(place);
  // Before anything is looked for: see ShimServer.
  writeFileSync(claim, "", { mode: 0o600 });
  try {
    const { socket } = await findServer(start);
    const address = `unix://${socket}`;
    writeFileSync(join(bundle, ADDRESS), address, { mode: 0o600 });
    return address;
  } catch (error) {
    rmSync(claim, { force: true });
    throw error;
  }
}

/** The server that runs, or a new one; of several who ask at once one starts it. */
async function findServer(start: ShimStart): Promise<ServerRecord> {
  const { place } = start;
  for (;;) {
    const isTaken = takePlace(place.starting);
    try {
      const found = readServerRecord(place.server);
      if (found?.bin === start.bin) return found;
      if (isTaken) {
        sweepDeadServer(place.server);
        await startServer(start);
      }
    } finally {
      if (isTaken) rmSync(place.starting, { force: true });
    }
    if (!isTaken) await sleep(LOOK_MS);
  }
}

/** Resolves when it can be found. */
async function startServer({ bin, namespace, address, eventsAddress }: ShimStart): Promise<void> {
  const script = join(bin, "shim-server.mjs");
  const words = [...process.execArgv, ...MEMORY_FLAGS, script, bin, namespace, address, eventsAddress];
  const kept = ENVIRONMENT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const child = spawn(process.execPath, words, {
    cwd: "/",
    detached: true,
    env: Object.fromEntries(kept),
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ready = child.stdio[READY_FD] as Readable;
  let problem = "";
  ready.setEncoding("utf8").on("data", (text: string) => {
    problem += text;
  });
  const failed = once(child, "error").then(([error]) => {
    throw error as Error;
  });
  try {
    await Promise.race([once(ready, "end"), failed]);
  } catch (cause) {
    problem = (cause as Error).message;
  }
  child.unref();
  if (problem !== "") throw new OrlopError("failed", `Cannot start shim: ${problem}`);
}
