import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { CommandTimer } from "../command-timer.ts";
import { cpuTimeOf } from "../cpu-time.ts";
import { peakMemoryKb } from "../process-memory.ts";
import type { BenchImage } from "./bench-images.ts";
import type { PullPeer, PullSample } from "./pull-peer.ts";
import { unmountBelow } from "./unmount-below.ts";

const startTimeMaxMs = 20_000;

interface ContainerdInstallation {
  /** What the row is called. */
  readonly name: string;
  /** `containerd`; `ctr`, and what it calls, are beside it or in `PATH`. */
  readonly program: string;
  readonly snapshotter: "overlayfs" | "erofs";
}

/** A containerd of its own, started for each pull, and `ctr images pull`. The daemon's start is not part of the time. */
export class ContainerdPull implements PullPeer {
  readonly name: string;
  readonly #installation: ContainerdInstallation;
  readonly #timer: CommandTimer;

  constructor(installation: ContainerdInstallation, timer: CommandTimer) {
    this.name = installation.name;
    this.#installation = installation;
    this.#timer = timer;
  }

  async pull(image: BenchImage, directory: string): Promise<PullSample> {
    const { snapshotter, program } = this.#installation;
    await using daemon = await Daemon.start(this.#installation, directory);
    const before = cpuTimeOf(daemon.pid);
    const ctr = [join(dirname(program), "ctr"), "--address", daemon.socket] as const;
    const argv = [...ctr, "images", "pull", "--plain-http", "--snapshotter", snapshotter, image.reference] as const;
    const timing = await this.#timer.runSuccessfully({ argv });
    const cpu = timing.cpuMilliseconds + cpuTimeOf(daemon.pid) - before;
    const memory = Math.max(timing.memoryKb, peakMemoryKb(daemon.pid));
    const known = execFileSync(ctr[0], [...ctr.slice(1), "snapshots", "--snapshotter", snapshotter, "list"], {
      encoding: "utf8",
    });
    if (new RegExp(`^${image.chainId}\\s.*Committed`, "m").test(known)) {
      return { time: timing.milliseconds, cpu, memory };
    }
    throw new OrlopError("failed", `Cannot measure ${this.name}: it made no snapshot with "${snapshotter}"`);
  }
}

class Daemon implements AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(pid: number, socket: string, stack: AsyncDisposableStack) {
    this.pid = pid;
    this.socket = socket;
    this.#stack = stack;
  }

  /** Resolves when it answers. */
  static async start({ name, program, snapshotter }: ContainerdInstallation, directory: string): Promise<Daemon> {
    await using stack = new AsyncDisposableStack();
    const configuration = join(directory, "config.toml");
    mkdirSync(directory, { recursive: true });
    writeFileSync(configuration, configurationText(directory, snapshotter));
    const child = spawn(program, ["--config", configuration], {
      stdio: "ignore",
      env: { ...process.env, PATH: `${dirname(program)}:${process.env.PATH}` },
    });
    await once(child, "spawn");
    stack.defer(() => unmountBelow(directory));
    stack.defer(() => end(child));
    const socket = socketPath(directory);
    for (const start = performance.now(); performance.now() - start < startTimeMaxMs; await sleep(20)) {
      if (child.exitCode !== null) break;
      if (answers(program, socket)) return new Daemon(child.pid as number, socket, stack.move());
    }
    throw new OrlopError("failed", `Cannot measure ${name}: "${program}" does not start`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

function socketPath(directory: string): string {
  return join(directory, "containerd.sock");
}

function answers(program: string, socket: string): boolean {
  try {
    const ctr = join(dirname(program), "ctr");
    execFileSync(ctr, ["--address", socket, "--connect-timeout", "1s", "version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** All that it writes goes to the directory; what only Kubernetes or running needs is left out. */
function configurationText(directory: string, snapshotter: ContainerdInstallation["snapshotter"]): string {
  const common = `root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
address = "${socketPath(directory)}"
[ttrpc]
address = "${directory}/ttrpc.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "${directory}/opt"
`;
  if (snapshotter === "overlayfs") return `version = 2\n${common}`;
  return `version = 3
${common}[plugins."io.containerd.service.v1.diff-service"]
default = ["erofs", "walking"]
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
differ = "erofs"
platform = "linux/amd64"
snapshotter = "erofs"
`;
}
