import { lstatSync, mkdirSync, realpathSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { generateId, type Mount, OrlopError, shortId } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { CapturedPart } from "@orlop/snapshot";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { hostDirectories } from "../image/directory-root.ts";
import type { Image, ImageRoot } from "../image/image.ts";
import { canBeLayer, mountOf, readMountTable } from "../image/mount-table.ts";
import { HOST_EMPTIED } from "../image/plain-root.ts";
import { OwnDirectory } from "../run/own-directory.ts";
import { type Capture, capturesDirectory, type KeptCapture, LIVE_CAPTURE, writeCapture } from "./capture.ts";
import { placeCapture } from "./capture-place.ts";
import { composeCapture, showsPath } from "./compose-capture.ts";

/** This machine's files as the root file system of one command, with what it writes kept in a directory of its own. */
export class HostCapture implements Disposable {
  readonly #own: OwnDirectory;
  readonly #locked: boolean;
  readonly #workdir: string;
  readonly #command: readonly string[];
  readonly #sinceNs: bigint;
  readonly #startedAtMs: number = Date.now();
  #looks = 0;
  #parts: readonly CapturedPart[] = [];

  /**
   * @param locked the command will be in a user namespace
   * @param workdir it begins there
   */
  constructor(command: readonly string[], { locked, workdir }: { readonly locked: boolean; readonly workdir: string }) {
    this.#command = command;
    this.#locked = locked;
    this.#workdir = realPath(workdir);
    this.#own = new OwnDirectory(capturesDirectory(), LIVE_CAPTURE, 0o700);
    // By the clock that inodes have their times from.
    this.#sinceNs = statSync(this.#own.path, { bigint: true }).ctimeNs;
  }

  [Symbol.dispose](): void {
    this.#own[Symbol.dispose]();
  }

  get capture(): Capture {
    return {
      directory: this.#own.path,
      command: this.#command,
      startedAtMs: this.#startedAtMs,
      sinceNs: this.#sinceNs,
      parts: this.#parts,
    };
  }

  /** @throws OrlopError */
  open(): Image {
    checkDirectory(this.#own.path);
    const lookAgain = (): ImageRoot => this.#look();
    return {
      ...lookAgain(),
      lookAgain,
      config: {},
      root: { kind: "host" },
      readFile: (path, bytesMax) => {
        using root = new RootDirectory("/");
        return root.readFile(path, bytesMax);
      },
      isHost: true,
      warnings: [],
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** From here on it stays until it is removed. */
  keep(): KeptCapture {
    const id = shortId(generateId(randomBytes));
    const directory = join(capturesDirectory(), id);
    writeCapture(this.capture);
    renameSync(this.#own.path, directory);
    return { ...this.capture, id, directory };
  }

  /** Anew each time: what the kernel has once written to for one overlay is not for another. */
  #look(): ImageRoot {
    const directory = join(this.#own.path, `look${this.#looks++}`);
    mkdirSync(directory, { mode: 0o700 });
    const mounts = readMountTable();
    const plan = composeCapture({
      mounts,
      directories: hostDirectories,
      kindOf,
      emptied: HOST_EMPTIED,
      locked: this.#locked,
      workdir: this.#workdir,
    });
    const { rootfs, parts } = placeCapture(plan, directory);
    this.#parts = parts.map((part) => ({
      ...part,
      upper: join(directory, part.upper).slice(this.#own.path.length + 1),
    }));
    const captures = realpathSync(capturesDirectory());
    // A place to mount on would be made where it is not to be seen, and be one of the changes.
    return { rootfs, mounts: showsPath(plan, captures) ? [RUN, hidden(captures)] : [RUN] };
  }
}

const RUN: Mount = { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"] };

/** The command would only find errors there: an overlay does not show what it is made of. */
function hidden(path: string): Mount {
  const options = ["ro", "nosuid", "nodev", "noexec", "mode=700"];
  return { destination: path, type: "tmpfs", source: "tmpfs", options };
}

/** What is not there is told of when the command is to begin in it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function kindOf(path: string): "directory" | "file" | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return "directory";
  return stat?.isFile() ? "file" : undefined;
}

function checkDirectory(path: string): void {
  const mounts = readMountTable();
  const type = mountOf(realpathSync(path), mounts)?.type ?? "";
  if (type !== "overlay" && canBeLayer(type)) return;
  throw new OrlopError(
    "unsupported",
    `Cannot keep what is written in "${capturesDirectory()}": the kernel captures nothing on a file system of type ${type}\n` +
      "Try ORLOP_ROOT, the name of a directory elsewhere.",
  );
}
