/**
 * The process that stays for a while and serves calls of `orlop-oci`: see docs/decisions/0010-launcher-and-resident.md.
 * Its argument is the directory of the command.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { KeptCalls } from "../kept-calls.ts";
import { openContainers } from "../open-containers.ts";
import { VERBS } from "../verb-table.ts";
import { BROKEN, launcherPlace } from "./launcher-place.ts";
import { ResidentServer } from "./resident-server.ts";
import { serveCall } from "./serve-call.ts";
import { watchOwnCode } from "./watch-own-code.ts";

const IDLE_MS = 5 * 60_000;
/** Longer than callers that take turns with others leave it alone. */
const YIELD_MS = 30_000;
const CALLS_MAX = 256;

/** After a failure that belongs to no call, those that are being served have so long to end. */
const LAST_CALLS_MS = 30_000;

const [, , bin = ""] = process.argv;
const place = launcherPlace(bin, process.env);
if (place === undefined) throw new OrlopError("unsupported", "Cannot listen: there is no directory for sockets");
// What a caller's own mask is to take away besides is taken away file by file.
process.umask(0o022);

/** The last failure that nobody foresaw is kept beside the socket. */
function note(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    writeFileSync(join(place?.directory ?? "", "failure"), `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
  } catch {
    // Nowhere to tell it.
  }
}

const kept = new KeptCalls();
const server = new ResidentServer({
  place,
  idleMs: IDLE_MS,
  yieldMs: YIELD_MS,
  callsMax: CALLS_MAX,
  serve: (socket) => serveCall(socket, join(bin, BROKEN), (options) => openContainers({ ...options, kept })),
  onFailure: note,
});

function giveUp(error: unknown): void {
  note(error);
  server.leave();
  void server.left.then(() => process.exit(1));
  setTimeout(() => process.exit(1), LAST_CALLS_MS);
}

process.on("uncaughtException", giveUp).on("unhandledRejection", giveUp);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => server.leave());
watchOwnCode(() => server.leave());
// All of it, before anybody can replace a part of it.
await Promise.all(VERBS.map((entry) => entry.load()));
await server.listen();
await server.left;
process.exit(0);
