import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const HOLDER = join(import.meta.dirname, "../../../snapshot/src/devmapper/thin-pool-holder-fixture.ts");

/** A pool of thin devices for commands, which another process has made and removes. */
export class ThinPoolProcess implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  /** Or why there can be none here. */
  static async start(): Promise<ThinPoolProcess | string> {
    const child = spawn(process.execPath, ["-C", "source", HOLDER], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const [, name] = /^pool (.*)\n/.exec(String(line)) ?? [];
    return name === undefined ? String(line).trim() : new ThinPoolProcess(name, child);
  }

  /** Devices of the pool that are there. */
  devices(): readonly string[] {
    const names = readdirSync("/sys/block").flatMap((device) => {
      try {
        return device.startsWith("dm-") ? [readFileSync(join("/sys/block", device, "dm/name"), "utf8").trim()] : [];
      } catch {
        // It has gone meanwhile.
        return [];
      }
    });
    return names.filter((name) => name.startsWith(`orlop-${this.name}-`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    assert.deepEqual(await ended, [0, null]);
  }
}
