import { readFileSync, rmSync } from "node:fs";
import type { SystemCalls } from "./system-calls.ts";

/** xattr(7): of one name list and of one value. */
const XATTR_MAX_BYTES = 65_536;
const PATHS_AT_ONCE = 2000;
const LENGTH_BYTES = 8;
const NONE: ReadonlyMap<string, Buffer> = new Map();

/**
 * The extended attributes of files of a directory, of links themselves; those without any are left out. `scratch` is the path
 * of a file that is not there, and will not be afterwards.
 *
 * Paths are looked up with the directory as root where that is allowed: nobody who writes to it meanwhile leads out.
 */
export async function readXattrs(
  system: SystemCalls,
  directory: string,
  paths: readonly string[],
  scratch: string,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>> {
  const found = new Map<string, ReadonlyMap<string, Buffer>>();
  for (let from = 0; from < paths.length; from += PATHS_AT_ONCE) {
    const lists = await ask(
      system,
      directory,
      scratch,
      paths.slice(from, from + PATHS_AT_ONCE).map((path) => ({ path })),
    );
    const wanted = lists.flatMap((names, index) =>
      names
        .toString()
        .split("\0")
        .filter((name) => name !== "")
        .map((name) => ({ path: paths[from + index] ?? "", name })),
    );
    for (let at = 0; at < wanted.length; at += PATHS_AT_ONCE) {
      const some = wanted.slice(at, at + PATHS_AT_ONCE);
      const values = await ask(system, directory, scratch, some);
      for (const [index, { path, name }] of some.entries()) {
        const value = Buffer.from(values[index] ?? "");
        found.set(path, new Map([...(found.get(path) ?? NONE), [name, value]]));
      }
    }
  }
  return found;
}

interface Question {
  readonly path: string;
  /** Of an attribute; absent: which there are. */
  readonly name?: string;
}

async function ask(
  system: SystemCalls,
  directory: string,
  scratch: string,
  questions: readonly Question[],
): Promise<readonly Buffer[]> {
  try {
    await system.run(`read attributes of files in "${directory}"`, (p) => {
      const [out, length] = [p.slot("out"), p.slot("length")];
      const answer = p.buffer(LENGTH_BYTES + XATTR_MAX_BYTES);
      const value = answer.at(LENGTH_BYTES);
      const flags = p.flags("O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC");
      p.call("openat", [p.flags("AT_FDCWD"), p.text(scratch), flags, 0o600], { into: out });
      p.call("chdir", [p.text(directory)]);
      p.call("chroot", [p.text(".")], { ignore: ["EPERM"] });
      for (const { path, name } of questions) {
        const [none, write] = [p.label("none"), p.label("write")];
        p.step({ action: `read attributes of "${path}"` });
        const otherwise = { into: length, on: ["EOPNOTSUPP", "ENODATA", "ENOENT"], goto: none };
        if (name === undefined) p.call("llistxattr", [p.text(path), value, XATTR_MAX_BYTES], otherwise);
        else p.call("lgetxattr", [p.text(path), p.text(name), value, XATTR_MAX_BYTES], otherwise);
        p.jump(write);
        p.mark(none);
        p.set(length, 0);
        p.mark(write);
        p.store(answer, LENGTH_BYTES, length);
        p.add(length, length, LENGTH_BYTES);
        p.call("write", [out, answer, length]);
      }
    });
    return split(readFileSync(scratch));
  } finally {
    rmSync(scratch, { force: true });
  }
}

function split(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_BYTES;
    at = start + Number(bytes.readBigUInt64LE(at));
    parts.push(bytes.subarray(start, at));
  }
  return parts;
}
