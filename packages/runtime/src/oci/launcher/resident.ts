/** The process that stays for a while and serves calls of `orlop-oci`: see docs/decisions/0009. Arguments: bin directory. */
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, unlinkSync, watch } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type LauncherPlace, launcherPlace } from "./launcher-place.ts";
import { serveCall } from "./serve-call.ts";

/** Without a call for so long, it leaves. */
const IDLE_MS = 5 * 60_000;

/** Serves until nothing happens for {@link IDLE_MS} or its own code is replaced. */
class Resident {
  readonly #place: LauncherPlace;
  readonly #server: Server;
  #calls = 0;
  #leaving = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(place: LauncherPlace) {
    this.#place = place;
    this.#server = createServer((socket) => {
      this.#calls++;
      clearTimeout(this.#idle);
      serveCall(socket)
        .catch((error: unknown) => {
          // Nobody hears it: the launcher sees the end of its socket, and says that its call broke off.
          socket.destroy();
          process.emitWarning(error instanceof Error ? error : String(error));
        })
        .finally(() => this.#callEnded());
    });
  }

  listen(): void {
    const { socket } = this.#place;
    makeOwnDirectory(this.#place.directory);
    const own = `${socket}.${process.pid}`;
    rmSync(own, { force: true });
    this.#server.listen(own, () => {
      // Where two have started at once, the later one is found, and the other leaves when it is idle.
      renameSync(own, socket);
      this.#ino = lstatSync(socket).ino;
      this.#rest();
    });
  }

  #ino = 0;

  #callEnded(): void {
    this.#calls--;
    if (this.#calls > 0) return;
    if (this.#leaving) process.exit(0);
    this.#rest();
  }

  #rest(): void {
    this.#idle = setTimeout(() => this.leave(), IDLE_MS);
  }

  /** Takes no more calls, and ends with the last of those it has. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    try {
      if (lstatSync(this.#place.socket).ino === this.#ino) unlinkSync(this.#place.socket);
    } catch {
      // Somebody else has removed it, or taken its place.
    }
    this.#server.close();
    if (this.#calls === 0) process.exit(0);
  }
}

/** Who can connect may have programs compiled and containers described: nobody but this user. */
function makeOwnDirectory(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.()) {
    throw new OrlopError("denied", `Cannot use directory "${path}": it is somebody else's`);
  }
  chmodSync(path, 0o700);
}

/** The directory with this package's code, which may be replaced under a process that stays. */
function watchOwnCode(onChange: () => void): void {
  const fromSource = import.meta.filename.endsWith(".ts");
  // Of a checkout the sources of the packages below belong to it as well.
  const packages = join(import.meta.dirname, "../../../..");
  const watched = fromSource
    ? ["core", "kernel", "runtime"].map((name) => join(packages, name, "src"))
    : [import.meta.dirname];
  for (const directory of watched) watch(directory, { recursive: fromSource }, onChange).unref();
}

const bin = process.argv[2] ?? "";
const place = launcherPlace(bin, process.env);
if (place === undefined) throw new OrlopError("unsupported", "Cannot listen: XDG_RUNTIME_DIR is not set");
process.umask(0o077);
const resident = new Resident(place);
resident.listen();
watchOwnCode(() => resident.leave());
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resident.leave());
