import { accessSync, constants, mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { FileLock } from "@orlop/image";
import { findProgram } from "@orlop/kernel";
import type { SideProcesses } from "../configured/side-processes.ts";
import { PastaProcesses } from "../pasta/pasta-process.ts";
import { SlirpProcesses } from "../slirp/slirp-process.ts";
import { hostKey } from "./entrance.ts";
import { uplinkArguments } from "./uplink-arguments.ts";
import type { HeldHost } from "./user-host.ts";

const TUN = "/dev/net/tun";

/** What leads out of a host by IPv4, the better one first: see docs/networking.md. */
export const UPLINK_PROGRAMS = ["slirp4netns", "pasta"] as const;
export type UplinkProgram = (typeof UPLINK_PROGRAMS)[number];

interface UplinkOptions {
  /** Those that may be used where they are installed; absent: all. */
  readonly programs?: readonly UplinkProgram[];
}

/**
 * What leads out of the host of an ordinary user's bridges: one process for IPv4, and one of pasta(1) for IPv6, which slirp4netns(1)
 * does not have.
 */
export class Uplink {
  /** Ports come in by these. */
  readonly slirp: SlirpProcesses;
  /** Each under a key that begins with that of its host. */
  readonly entrances: PastaProcesses;
  readonly #directory: string;
  readonly #programs: readonly UplinkProgram[];
  readonly #pasta: PastaProcesses;
  readonly #pasta6: PastaProcesses;
  /** Where it would not start once, nobody waits for it again. */
  #refused6 = false;

  /** @param directory on a file system that a restart of the machine empties; made where it is not there */
  constructor(directory: string, { programs = UPLINK_PROGRAMS }: UplinkOptions = {}) {
    const place = (name: string): string => {
      const path = join(directory, name);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    };
    this.#directory = place("");
    this.#programs = programs;
    this.slirp = new SlirpProcesses(directory);
    this.#pasta = new PastaProcesses(place("pasta"));
    this.#pasta6 = new PastaProcesses(place("pasta6"));
    this.entrances = new PastaProcesses(place("entrances"));
  }

  hasPasta(): boolean {
    return this.#has("pasta");
  }

  /** The interface of this machine that pasta learns from that there is IPv6; undefined where there is none. */
  outside6(): string | undefined {
    return interfaceWithIpv6();
  }

  isStarted(host: HeldHost): boolean {
    return this.#leadsOut(host);
  }

  /** What leads out by IPv4, or is going to. */
  program(host: HeldHost): UplinkProgram {
    const key = hostKey(host);
    const known = UPLINK_PROGRAMS.find((each) => this.#processesOf(each).isKnown(key));
    return known ?? UPLINK_PROGRAMS.find((each) => this.#has(each)) ?? "slirp4netns";
  }

  /** Whether everything is there that has been started. */
  isThere(host: HeldHost): boolean {
    const key = hostKey(host);
    if (!this.#leadsOut(host) || (this.#pasta6.isKnown(key) && !this.#pasta6.isThere(key))) return false;
    return this.entrances.keys().every((each) => !each.startsWith(key) || this.entrances.isThere(each));
  }

  /** Starts it where it is not there; whether it had to. @throws OrlopError `unsupported`, `failed` */
  async ensure(host: HeldHost): Promise<boolean> {
    if (this.#leadsOut(host)) return false;
    using _lock = await FileLock.take(join(this.#directory, "lock"));
    if (this.#leadsOut(host)) return false;
    const program = this.program(host);
    // What was killed has left its files.
    await this.#processesOf(program).end(hostKey(host));
    await this.#endOfOthers(host);
    const complaint = await this.#processesOf(program).start(hostKey(host), uplinkArguments(program, host));
    if (complaint === undefined) return true;
    const hint = canUseTun() ? "" : `\nTry "chmod 0666 ${TUN}" as root: it needs that device.`;
    throw new OrlopError("failed", `Cannot lead networks out: ${program} says "${complaint}"${hint}`);
  }

  /**
   * The same for IPv6, where the machine has it and pasta is there; whether it had to. Where pasta does not want to, networks do
   * without: they have IPv4, and had nothing else before there was pasta.
   */
  async ensure6(host: HeldHost): Promise<boolean> {
    const key = hostKey(host);
    if (this.#pasta6.isThere(key) || this.#refused6 || !this.#has("pasta")) return false;
    const outside = interfaceWithIpv6();
    if (outside === undefined) return false;
    using _lock = await FileLock.take(join(this.#directory, "lock6"));
    if (this.#pasta6.isThere(key)) return false;
    await this.#pasta6.end(key);
    this.#refused6 = (await this.#pasta6.start(key, uplinkArguments("pasta", host, outside))) !== undefined;
    return !this.#refused6;
  }

  /** Ends whatever there is. */
  async end(): Promise<void> {
    for (const processes of this.#all) for (const key of processes.keys()) await processes.end(key);
  }

  async #endOfOthers(host: HeldHost): Promise<void> {
    for (const processes of this.#all) {
      for (const key of processes.keys()) if (!key.startsWith(hostKey(host))) await processes.end(key);
    }
  }

  get #all(): readonly SideProcesses[] {
    return [this.slirp, this.#pasta, this.#pasta6, this.entrances];
  }

  #leadsOut(host: HeldHost): boolean {
    return UPLINK_PROGRAMS.some((each) => this.#processesOf(each).isThere(hostKey(host)));
  }

  #processesOf(program: UplinkProgram): SlirpProcesses | PastaProcesses {
    return program === "pasta" ? this.#pasta : this.slirp;
  }

  #has(program: UplinkProgram): boolean {
    return this.#programs.includes(program) && findProgram(program) !== undefined;
  }
}

/**
 * One with an address that leads somewhere, and with a link-local one, without which pasta has no IPv6; undefined where this machine
 * has none.
 */
function interfaceWithIpv6(): string | undefined {
  const withLocal = Object.entries(networkInterfaces()).filter(([, addresses = []]) =>
    addresses.some(({ family, address }) => family === "IPv6" && address.startsWith("fe80:")),
  );
  const leadsOut = ([, addresses = []]: (typeof withLocal)[number]): boolean =>
    addresses.some(({ family, address, internal }) => family === "IPv6" && !internal && !address.startsWith("fe80:"));
  return withLocal.find(leadsOut)?.[0];
}

function canUseTun(): boolean {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
