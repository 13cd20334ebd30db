import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { BenchPlace } from "./bench-place.ts";
import { OciPeer } from "./oci-peer.ts";
import { OURS } from "./peer-rows.ts";

const patienceMs = 20_000;

/** An installation of `orlop-oci` of its own, which no other call on the machine meets. */
export class OwnCommand implements AsyncDisposable {
  readonly peer: OciPeer;
  /** What its callers hand on to it, so that they find its resident process. */
  readonly env: Readonly<Record<string, string>>;
  readonly #bin: string;

  private constructor(place: BenchPlace, root: string, directory: string) {
    this.#bin = join(directory, "bin");
    const cache = join(directory, "cache");
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    symlinkSync(join(root, "packages/runtime/bin"), this.#bin);
    const env = { PATH: process.env.PATH ?? "", HOME: directory, XDG_CACHE_HOME: cache };
    this.env = env;
    this.peer = new OciPeer(OURS, join(this.#bin, "orlop-oci"), place.timer, directory, env);
  }

  /** With a resident process that has served `calls` calls. */
  static async open(place: BenchPlace, calls: number): Promise<OwnCommand> {
    const command = new OwnCommand(place, process.cwd(), join(place.stateDirectory, place.newId()));
    await command.peer.time([command.peer.path, "--version"]);
    await command.untilResident();
    for (let call = 0; call < calls; call++) await command.peer.run(place.ending.path, place.newId());
    return command;
  }

  /** Until a call would be served. */
  async untilResident(): Promise<void> {
    for (const start = performance.now(); performance.now() - start < patienceMs; await sleep(20)) {
      if (this.#residents().some(isFound)) return;
    }
    throw new OrlopError("failed", "Cannot measure orlop-oci: its resident process does not start");
  }

  /** Resolves when nobody answers calls. */
  async endResident(): Promise<void> {
    for (const start = performance.now(); performance.now() - start < patienceMs; await sleep(5)) {
      const pids = this.#residents();
      if (pids.length === 0) return;
      for (const pid of pids) process.kill(pid, "SIGTERM");
    }
    throw new OrlopError("failed", "Cannot measure orlop-oci: its resident process does not end");
  }

  #residents(): readonly number[] {
    const script = join(this.#bin, "oci-resident.mjs");
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && commandLine(pid).includes(script));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer.deleteAll();
    await this.endResident();
  }
}

/** It listens under a name of its own, until that has been changed to the one by which it is found: proc_pid_net(5), unix. */
function isFound(pid: number): boolean {
  const listening = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\S+\/socket)\.(\d+)$/gm;
  return [...readFileSync("/proc/net/unix", "utf8").matchAll(listening)].some(
    ([, , path = "", owner]) => Number(owner) === pid && existsSync(path),
  );
}

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
