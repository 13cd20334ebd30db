import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError, type PublishedPort } from "@orlop/core";
import { FileLock } from "@orlop/image";
import { SlirpProcesses } from "../slirp/slirp-process.ts";
import type { HeldHost } from "./user-host.ts";

const TUN = "/dev/net/tun";
/** The largest that it has; nothing of it goes over a wire. */
const MTU = 65_520;

/** Of slirp4netns(1), which are the same everywhere. */
export const UPLINK = { link: "uplink", prefix: "10.0.2.0/24", names: "10.0.2.3" } as const;

/** What leads out of the host of an ordinary user's bridges, and in by published ports: one process of slirp4netns(1). */
export class Uplink {
  readonly #directory: string;
  readonly #processes: SlirpProcesses;

  /** @param directory on a file system that a restart of the machine empties; made where it is not there */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#processes = new SlirpProcesses(directory);
  }

  isThere(host: HeldHost): boolean {
    return this.#processes.isThere(keyOf(host));
  }

  /** Starts it where it is not there; whether it had to. @throws OrlopError `unsupported`, `failed` */
  async ensure(host: HeldHost): Promise<boolean> {
    if (this.isThere(host)) return false;
    using _lock = await FileLock.take(join(this.#directory, "lock"));
    if (this.isThere(host)) return false;
    // Of hosts that are gone, and what was killed here has left its files.
    await this.end();
    const complaint = await this.#processes.start(keyOf(host), [
      // Not --enable-sandbox: it wants to be root of the user namespace.
      ...["--configure", `--mtu=${MTU}`, "--disable-host-loopback", "--enable-seccomp"],
      `--userns-path=${host.user}`,
      ...["--netns-type=path", host.net, UPLINK.link],
    ]);
    if (complaint === undefined) return true;
    const hint = canUseTun() ? "" : `\nTry "chmod 0666 ${TUN}" as root: it needs that device.`;
    throw new OrlopError("failed", `Cannot lead networks out: slirp4netns says "${complaint}"${hint}`);
  }

  /** Ends whatever there is. */
  async end(): Promise<void> {
    for (const key of this.#processes.keys()) await this.#processes.end(key);
  }

  /** Those that are there already are no error. @throws OrlopError `conflict` */
  async publish(host: HeldHost, address: string, ports: readonly Required<PublishedPort>[]): Promise<void> {
    await this.#processes.publish(keyOf(host), address, ports);
  }

  /** Those that are not there are no error. */
  async unpublish(host: HeldHost, ports: readonly Required<PublishedPort>[]): Promise<void> {
    // With its process they are gone.
    if (ports.length > 0 && this.isThere(host)) await this.#processes.unpublish(keyOf(host), ports);
  }

  /** Takes back all others, of one address that they lead to where it is said. */
  async keepOnly(host: HeldHost, ports: readonly Required<PublishedPort>[], address?: string): Promise<void> {
    if (this.isThere(host)) await this.#processes.keepOnly(keyOf(host), ports, address);
  }
}

function keyOf({ pid }: HeldHost): string {
  return pid.toString(16);
}

function canUseTun(): boolean {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
