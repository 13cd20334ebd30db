import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { isMarkAlive } from "@orlop/kernel";
import { callerMark } from "../caller/caller-mark.ts";

/**
 * Keeps a container's name for as long as this process lives and the claim is not disposed of.
 *
 * The claim is a link whose text names the process that holds it, because making a link is atomic and needs no second
 * step to fill it. A claim whose process has died is free to take.
 */
export class NameClaim implements Disposable {
  readonly #path: string;
  readonly #text: string;

  /** @throws OrlopError `conflict` */
  constructor(stateDirectory: string, name: string, id: string) {
    const directory = join(stateDirectory, "names");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = join(directory, name);
    this.#text = `${callerMark()}:${id}`;
    if (this.#link()) return;
    const holder = readLink(this.#path);
    const [mark = "", holderId = ""] = (holder ?? "").split(":");
    if (isMarkAlive(mark)) throw taken(name, holderId);
    if (holder !== undefined) this.#takeAway(holder);
    if (!this.#link()) throw taken(name, "");
  }

  [Symbol.dispose](): void {
    if (readLink(this.#path) === this.#text) rmSync(this.#path, { force: true });
  }

  #link(): boolean {
    try {
      symlinkSync(this.#text, this.#path);
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw cause;
    }
  }

  /** Removes a dead claim, unless somebody else was quicker to do so and has put a live one in its place. */
  #takeAway(dead: string): void {
    const aside = `${this.#path}~${process.pid}`;
    try {
      renameSync(this.#path, aside);
    } catch {
      return;
    }
    if (readLink(aside) === dead) rmSync(aside);
    else renameSync(aside, this.#path);
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function taken(name: string, holder: string): OrlopError {
  const by = holder === "" ? "" : ` by container "${holder}"`;
  return new OrlopError(
    "conflict",
    `Cannot use name "${name}": it is already in use${by}\nTry another name, or wait until that container has ended.`,
    { field: "name" },
  );
}
