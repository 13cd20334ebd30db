/**
 * The process that serves containerd, for all containers of a namespace: see docs/decisions/0011-one-shim-for-many.md. Its
 * arguments are the directory of the command, the namespace, containerd's address and that of its events.
 */
import { closeSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { watchOwnCode } from "../oci/launcher/watch-own-code.ts";
import { shimPlace } from "./shim-place.ts";
import { ShimServer } from "./shim-server.ts";
import { READY_FD } from "./start-shim.ts";

const IDLE_MS = 60_000;

const [bin = "", namespace = "", address = "", eventsAddress = ""] = process.argv.slice(2);
process.title = `containerd-shim-orlop-v1 -namespace ${namespace} -address ${address}`;
process.umask(0o022);

/** The last failure that nobody foresaw is kept beside the state. */
function note(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    const { directory } = shimPlace({ namespace, address }, process.env);
    writeFileSync(join(directory, "failure"), `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
  } catch {
    // Nowhere to tell it.
  }
}

async function listen(): Promise<ShimServer> {
  const place = shimPlace({ namespace, address }, process.env);
  const server = new ShimServer({ place, namespace, eventsAddress, bin, idleMs: IDLE_MS, onFailure: note });
  await server.listen();
  return server;
}

try {
  const server = await listen();
  // containerd takes the end of this process for the end of all its containers: whatever one of them met, the others go on.
  process.on("uncaughtException", note).on("unhandledRejection", note);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => server.retire());
  watchOwnCode(() => server.retire());
  closeSync(READY_FD);
  await server.left;
  process.exit(0);
} catch (error) {
  note(error);
  writeSync(READY_FD, (error as Error).message);
  process.exit(1);
}
