import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { findProgram } from "@orlop/kernel";
import { bootstrapParams, type ShimStart } from "../../shim-protocol/bootstrap.ts";
import type { HostCommand } from "../host-command.ts";
import { environmentWords, hostEnvironment } from "../host-environment.ts";

/** Cleaning up after a shim takes as long as its runtime needs to kill a container. */
const DELETE_TIME_MAX_MS = 60_000;

/** Files of the state directory that take what the shim says when it starts. */
export const START_FILES = { stdout: "start.out", stderr: "start.err" } as const;
const REMOVE_FILES = { stdout: "remove.out", stderr: "remove.err" } as const;

/** The command line of a containerd shim (containerd, core/runtime/v2/README.md, "Commands"). */
export class ShimBinary {
  readonly path: string;
  /** As it was asked for: `io.containerd.runc.v2`. */
  readonly #name: string;

  /** @throws OrlopError `not-found`, `invalid` */
  constructor(name: string) {
    const program = isAbsolute(name) ? name : programOf(name);
    const path = findProgram(program);
    if (path === undefined) {
      throw new OrlopError(
        "not-found",
        `Cannot find shim "${name}": no program ${program} on PATH\n` +
          "Try installing it (on Debian: apt install containerd), or give its absolute path: shim:/path/to/shim.",
      );
    }
    this.path = path;
    this.#name = name;
  }

  /** Those with runc behind them can be told where to keep their state. */
  get isRunc(): boolean {
    return /^io\.containerd\.runc\.v\d+$/.test(this.#name) || /containerd-shim-runc-v\d+$/.test(this.path);
  }

  /** Starts the shim of a bundle. It takes its parameters from flags and the environment, or, since 2.3, as a message. */
  start(start: ShimStart, bundle: string, withParams: boolean): HostCommand {
    return {
      argv: [this.path, ...flags(start), "start"],
      env: environmentWords(environment(start)),
      directory: bundle,
      stdio: { ...START_FILES, ...(withParams ? { stdin: bootstrapParams(start) } : {}) },
    };
  }

  /** Removes what a shim that is dead has left: its container too, if it lives. */
  remove(start: ShimStart, bundle: string): HostCommand {
    return {
      argv: [this.path, ...flags(start), "-bundle", bundle, "delete"],
      env: environmentWords(environment(start)),
      directory: bundle,
      stdio: REMOVE_FILES,
    };
  }

  /**
   * Whether there can be anything to remove. One with runc behind it writes down which runtime it uses before it begins a
   * container, and fails to remove what it has not begun.
   */
  mayHaveLeft(bundle: string): boolean {
    return existsSync(this.isRunc ? join(bundle, "runtime") : bundle);
  }

  /** The same as `remove`, here and now. */
  async runRemove(start: ShimStart, bundle: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const options = {
      cwd: bundle,
      env: environment(start),
      timeout: DELETE_TIME_MAX_MS,
      killSignal: "SIGKILL",
      encoding: "buffer",
    } as const;
    execFile(this.path, [...flags(start), "-bundle", bundle, "delete"], options, (error, _, stderr) => {
      if (error === null) resolve();
      else reject(new OrlopError("failed", `Cannot clean up after shim of "${start.id}": ${stderr.toString().trim()}`));
    });
    await promise;
  }
}

/** `io.containerd.runc.v2` is the program `containerd-shim-runc-v2`. */
function programOf(name: string): string {
  const [version = "", kind = ""] = name.split(".").toReversed();
  if (kind !== "" && version !== "" && /^[A-Za-z0-9._-]+$/.test(name)) return `containerd-shim-${kind}-${version}`;
  throw new OrlopError(
    "invalid",
    `Cannot find shim "${name}": a shim is called like io.containerd.runc.v2, or by its absolute path`,
  );
}

function flags({ id, namespace, address, publishBinary }: ShimStart): readonly string[] {
  return ["-namespace", namespace, "-address", address, "-publish-binary", publishBinary, "-id", id];
}

function environment({ namespace, address, eventsAddress }: ShimStart): Readonly<Record<string, string>> {
  return {
    ...hostEnvironment(),
    NAMESPACE: namespace,
    GRPC_ADDRESS: address,
    TTRPC_ADDRESS: eventsAddress,
    MAX_SHIM_VERSION: "2",
    // As containerd has it: a shim has little to do.
    GOMAXPROCS: "2",
  };
}
