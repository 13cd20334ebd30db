import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { mountBundle, packBundle, packCheckout } from "./checkout-image.ts";
import type { MachineImage } from "./image-cache.ts";
import { LineSocket } from "./line-socket.ts";
import { machineArguments } from "./machine-arguments.ts";
import { missingPrograms, programPath, startPrograms } from "./missing-programs.ts";

/** What a machine is started for. */
export interface MachineRun {
  readonly image: MachineImage;
  /** The checkout on this machine; `/checkout` there, read-only, and the command's working directory. */
  readonly root: string;
  /** A shell script. It runs as root, as a systemd unit. */
  readonly command: string;
  /** What it prints, line by line, standard error included. */
  readonly onOutput: (line: string) => void;
  /** What it writes to `/dev/virtio-ports/results`, line by line. */
  readonly onResult: (line: string) => void;
  /** The machine is ended when it says nothing for so long; its start counts. */
  readonly silenceMaxMs: number;
  readonly signal: AbortSignal;
}

export interface MachineEnd {
  /** The command's exit code; 128 when a signal ended it. Undefined when the machine ended without a word about it. */
  readonly exitCode: number | undefined;
  /** The log of kernel and systemd, kept when the command did not succeed. */
  readonly consoleLog: string | undefined;
}

/** `tcg` emulates, and works everywhere. `kvm`, where it works, takes a twentieth of the time. */
const accelerator = process.env.ORLOP_VM_ACCEL ?? "tcg";

/** How many times longer everything takes in the machine, generously. */
export const emulationTimeFactor: number = accelerator === "tcg" ? 6 : 1;

/** Why this machine starts no other; undefined when it does. */
export function machineObstacle(): string | undefined {
  if (arch() !== "x64") return `needs an x86-64 processor, and this machine's is ${arch()}`;
  return missingPrograms(startPrograms);
}

/** `exited 3` and `killed TERM`: what systemd says of a unit's main process. */
function exitCodeOf(status: string): number {
  const [kind, value] = status.split(" ");
  return kind === "exited" ? Number(value) : 128;
}

function keepLog(console: string): string | undefined {
  if (!existsSync(console)) return undefined;
  const kept = join(mkdtempSync(join(tmpdir(), "orlop-vm-log-")), "console.log");
  copyFileSync(console, kept);
  return kept;
}

/** Runs QEMU to its end, or to `end`. What it prints itself is about its arguments, and an error. */
async function runQemu(args: readonly string[], end: AbortSignal): Promise<void> {
  if (end.aborted) return;
  const env = { ...process.env, PATH: programPath };
  const qemu = spawn("qemu-system-x86_64", args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const complaints: Buffer[] = [];
  qemu.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  const kill = (): void => void qemu.kill("SIGKILL");
  end.addEventListener("abort", kill, { once: true });
  const [code] = (await once(qemu, "close")) as [number | null];
  end.removeEventListener("abort", kill);
  if (code === 0 || end.aborted) return;
  throw new OrlopError("failed", `Cannot start the test machine: ${Buffer.concat(complaints).toString().trim()}`);
}

/**
 * Starts a machine for one command and resolves when it has powered off. The machine has a kernel and a systemd of
 * Debian's, version 2 of cgroups alone, and the checkout; it writes nothing outside a temporary directory.
 */
export async function runInMachine(run: MachineRun): Promise<MachineEnd> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-vm-"));
  const silent = new AbortController();
  const watchdog = setTimeout(() => silent.abort(), run.silenceMaxMs);
  try {
    let status: string | undefined;
    const listen = (name: string, onLine: (line: string) => void): Promise<LineSocket> =>
      LineSocket.listen(join(directory, name), (line) => {
        watchdog.refresh();
        onLine(line);
      });
    await using output = await listen("output", run.onOutput);
    await using results = await listen("results", run.onResult);
    await using state = await listen("status", (line) => {
      status = line;
    });
    const [checkout, bundle, command, console] = ["checkout.erofs", "bundle.erofs", "command", "console.log"].map(
      (name) => join(directory, name),
    ) as [string, string, string, string];
    await packCheckout(run.root, checkout);
    await packBundle(run.root, join(directory, "bundle"), bundle);
    writeFileSync(command, `${mountBundle} || exit\n${run.command}`);
    const ports = { output: output.path, results: results.path, status: state.path };
    const args = machineArguments({ image: run.image, checkout, bundle, command, console, ports, accelerator });
    await runQemu(args, AbortSignal.any([run.signal, silent.signal]));
    await Promise.all([output.finished(), results.finished(), state.finished()]);
    run.signal.throwIfAborted();
    const exitCode = status === undefined ? undefined : exitCodeOf(status);
    return { exitCode, consoleLog: exitCode === 0 ? undefined : keepLog(console) };
  } finally {
    clearTimeout(watchdog);
    rmSync(directory, { recursive: true, force: true });
  }
}
