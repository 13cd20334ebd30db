import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Process, RuntimeSpec } from "@orlop/core";
import {
  baseSpec,
  busyboxObstacle,
  makeBusyboxRootfs,
  patience,
  temporaryDirectory,
  writeBundle,
} from "@orlop/testkit";
import type { CallResult } from "./call-fixture.ts";

const CALL_MAX_MS = patience(60_000);

/** The command as its callers see it: one process a call, on real bundles, and with a root of its own. */
class CommandBench implements AsyncDisposable {
  readonly #directory = temporaryDirectory();
  readonly #ids: string[] = [];
  #calls = 0;

  path(name: string): string {
    return join(this.#directory.path, name);
  }

  /** A new bundle, and the name of the container to make of it: `change` says what is not as usual. */
  bundle(script: string, change: (spec: RuntimeSpec) => RuntimeSpec = (spec) => spec): { id: string; bundle: string } {
    const id = `orlop-command-${process.pid}-${this.#ids.length}`;
    this.#ids.push(id);
    const bundle = this.path(id);
    makeBusyboxRootfs(join(bundle, "rootfs"));
    const spec = baseSpec({ id });
    const own: Process = { ...(spec.process as Process), args: ["sh", "-c", script] };
    writeBundle(bundle, change({ ...spec, process: own }));
    return { id, bundle };
  }

  /** One call. What it says goes to files, because a container keeps them open for as long as it lives. */
  async call(...args: readonly string[]): Promise<CallResult> {
    const [out, err] = ["out", "err"].map((name) => this.path(`${this.#calls}.${name}`)) as [string, string];
    this.#calls++;
    const descriptors = [openSync(this.path("in"), "a+"), openSync(out, "w"), openSync(err, "w")];
    const main = join(import.meta.dirname, "main.ts");
    const command = ["-C", "source", main, "--root", this.path("root"), ...args];
    const child = spawn(process.execPath, command, { cwd: this.#directory.path, stdio: descriptors });
    const timer = setTimeout(() => child.kill("SIGKILL"), CALL_MAX_MS);
    try {
      const exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", (code) => resolve(code ?? -1));
      });
      return { exitCode, stdout: readFileSync(out, "utf8"), stderr: readFileSync(err, "utf8") };
    } finally {
      clearTimeout(timer);
      for (const descriptor of descriptors) closeSync(descriptor);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) {
      if (existsSync(join(this.path("root"), id))) await this.call("delete", "--force", id);
    }
    this.#directory[Symbol.dispose]();
  }
}

/** Runs `work` with a bench, where containers can be made at all. */
export async function withCommand(t: TestContext, work: (bench: CommandBench) => Promise<void>): Promise<void> {
  const obstacle = process.getuid?.() === 0 ? busyboxObstacle() : "needs root";
  if (obstacle !== undefined) {
    t.skip(obstacle);
    return;
  }
  await using bench = new CommandBench();
  await work(bench);
}
