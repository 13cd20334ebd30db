import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { hostArchitecture } from "../abi/architecture.ts";
import { errnoName } from "../abi/errno.ts";
import { TestMachine } from "../machine/machine-fixture.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import type { Slot } from "../program/instruction.ts";
import { components, emitDirectoryInRoot, emitExpectFileSystem, emitFileInRoot, emitOpenInRoot } from "./safe-path.ts";

const machine = TestMachine.find(hostArchitecture());
after(() => {
  if (typeof machine !== "string") machine[Symbol.dispose]();
});

const PATH_MAX = 4096;

/** A root, and beside it what nobody below may reach. */
class Tree implements Disposable {
  readonly base: string = realpathSync(mkdtempSync(join(tmpdir(), "orlop-path-")));
  readonly root: string = join(this.base, "root");
  readonly outside: string = join(this.base, "outside");

  constructor() {
    mkdirSync(this.root);
    mkdirSync(this.outside);
    writeFileSync(join(this.outside, "secret"), "");
  }

  /** The path of what `emit` opens, below the root (`/`, `/a`); or the errno that it fails with. */
  open(emit: (p: ProgramBuilder, root: Slot, into: Slot) => void): string {
    assert(typeof machine !== "string");
    const { output, status } = machine.run((p) => {
      const [root, into, length] = [p.slot("root"), p.slot("into"), p.slot("length")];
      const failed = p.label("failed");
      const path = p.buffer(PATH_MAX);
      p.handler(failed);
      p.call("openat", [p.flags("AT_FDCWD"), p.text(this.root), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
        into: root,
      });
      emit(p, root, into);
      // The path of a descriptor is in its link: put it where its name is known.
      p.call("dup3", [into, 100, p.flags("O_CLOEXEC")]);
      p.call("readlinkat", [p.flags("AT_FDCWD"), p.text("/proc/self/fd/100"), path, PATH_MAX], { into: length });
      p.call("write", [1, path, length]);
      p.call("exit_group", [0]);
      p.mark(failed);
      p.call("exit_group", [p.failedErrno]);
    });
    if (status !== 0) return errnoName(status ?? 0);
    const path = output.toString();
    assert.ok(path.startsWith(this.root), `${path} is outside the root`);
    return path.slice(this.root.length) || "/";
  }

  directory(path: string, refuseLinks = false): string {
    return this.open((p, root, into) => emitDirectoryInRoot(p, root, path, into, { refuseLinks }));
  }

  file(path: string): string {
    return this.open((p, root, into) => emitFileInRoot(p, root, path, into));
  }

  link(path: string, target: string): void {
    symlinkSync(target, join(this.root, path));
  }

  [Symbol.dispose](): void {
    assert.deepEqual(readdirSync(this.outside), ["secret"], "nothing outside the root was touched");
    rmSync(this.base, { recursive: true });
  }
}

suite("a directory in a root", { skip: typeof machine === "string" ? machine : false }, () => {
  test("is opened, or made with its parents", () => {
    using tree = new Tree();
    assert.equal(tree.directory("/"), "/");
    assert.equal(tree.directory(""), "/");
    assert.equal(tree.directory("a//b/./c/"), "/a/b/c");
    assert.equal(tree.directory("/a/b"), "/a/b");
    assert.equal(statSync(join(tree.root, "a/b/c")).mode & 0o777, 0o755 & ~process.umask());
  });

  test("is never outside, whatever way links and dots point", () => {
    using tree = new Tree();
    mkdirSync(join(tree.root, "inner"));
    tree.link("up", "../outside");
    tree.link("absolute", tree.outside);
    tree.link("within", "/inner");
    tree.link("climb", `${"../".repeat(40)}inner`);
    tree.link("dot", ".");
    assert.equal(tree.directory("../../inner"), "/inner");
    assert.equal(tree.directory("/within/made"), "/inner/made");
    assert.equal(tree.directory("/climb/other"), "/inner/other");
    assert.equal(tree.directory("/dot/dot/dot/inner"), "/inner");
    assert.equal(tree.directory("/inner/../../../../inner"), "/inner");
    // Seen from the root these lead nowhere, and what a link should lead to is not made.
    assert.equal(tree.directory("/up"), "ENOENT");
    assert.equal(tree.directory("/absolute/sub"), "ENOENT");
    mkdirSync(join(tree.root, tree.outside), { recursive: true });
    assert.equal(tree.directory("/absolute/sub"), `${tree.outside}/sub`);
  });

  test("is refused behind a loop, a file and a magic link", () => {
    using tree = new Tree();
    tree.link("loop", "loop");
    writeFileSync(join(tree.root, "file"), "");
    execFileSync("mkfifo", [join(tree.root, "fifo")]);
    assert.equal(tree.directory("loop"), "ELOOP");
    assert.equal(tree.directory("loop/below"), "ELOOP");
    assert.equal(tree.directory("file"), "ENOTDIR");
    assert.equal(tree.directory("file/below"), "ENOTDIR");
    assert.equal(tree.directory("fifo"), "ENOTDIR");
    assert.equal(tree.directory("a".repeat(256)), "ENAMETOOLONG");
  });

  test("may be asked for without any link on the way", () => {
    using tree = new Tree();
    mkdirSync(join(tree.root, "inner"));
    tree.link("link", "inner");
    assert.equal(tree.directory("link", false), "/inner");
    assert.equal(tree.directory("link", true), "ELOOP");
    assert.equal(tree.directory("link/below", true), "ELOOP");
    assert.equal(tree.directory("inner/below", true), "/inner/below");
    assert.equal(existsSync(join(tree.root, "inner/below")), true);
  });
});

suite("a file in a root", { skip: typeof machine === "string" ? machine : false }, () => {
  test("is opened whatever it is, or made empty with its parents", () => {
    using tree = new Tree();
    assert.equal(tree.file("/a/b/made"), "/a/b/made");
    const { size, mode } = statSync(join(tree.root, "a/b/made"));
    assert.deepEqual([size, mode & 0o777], [0, 0o644 & ~process.umask()]);
    assert.equal(tree.file("top"), "/top");
    execFileSync("mkfifo", [join(tree.root, "fifo")]);
    assert.equal(tree.file("fifo"), "/fifo");
    assert.equal(tree.file("a"), "/a");
  });

  test("is not made where a link leads nowhere, nor outside", () => {
    using tree = new Tree();
    writeFileSync(join(tree.root, "target"), "");
    tree.link("dangling", "nowhere");
    tree.link("good", "/target");
    tree.link("out", join(tree.outside, "made"));
    tree.link("up", "../outside");
    assert.equal(tree.file("good"), "/target");
    assert.equal(tree.file("dangling"), "ELOOP");
    assert.equal(tree.file("out"), "ELOOP");
    assert.equal(tree.file("up/made"), "ENOENT");
    assert.equal(existsSync(join(tree.root, "nowhere")), false);
    assert.equal(tree.file("target/below"), "ENOTDIR");
  });
});

suite("the proof of a file system", { skip: typeof machine === "string" ? machine : false }, () => {
  test("takes procfs and nothing that looks like it", () => {
    using tree = new Tree();
    const isProc = (path: string): string => {
      assert(typeof machine !== "string");
      const { status } = machine.run((p) => {
        const failed = p.label("failed");
        p.handler(failed);
        p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_PATH|O_CLOEXEC"), 0], { into: p.slot("fd") });
        emitExpectFileSystem(p, p.slot("fd"), "PROC_SUPER_MAGIC");
        p.call("exit_group", [0]);
        p.mark(failed);
        p.call("exit_group", [p.failedErrno]);
      });
      return status === 0 ? "procfs" : errnoName(status ?? 0);
    };
    mkdirSync(join(tree.root, "proc"));
    assert.equal(isProc("/proc"), "procfs");
    assert.equal(isProc("/proc/self/status"), "procfs");
    assert.equal(isProc(join(tree.root, "proc")), "EXDEV");
    assert.equal(isProc("/sys"), "EXDEV");
  });

  test("is not led to the host's by a magic link", () => {
    using tree = new Tree();
    // A procfs below a root is tried by the tests of containers; here its links are named from "/".
    const open = (path: string): string => {
      assert(typeof machine !== "string");
      const { status } = machine.run((p) => {
        const failed = p.label("failed");
        p.handler(failed);
        p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), p.flags("O_PATH|O_CLOEXEC"), 0], { into: p.slot("root") });
        emitOpenInRoot(p, p.slot("root"), path, p.slot("fd"), { flags: "O_PATH" });
        p.call("exit_group", [0]);
        p.mark(failed);
        p.call("exit_group", [p.failedErrno]);
      });
      return status === 0 ? "opened" : errnoName(status ?? 0);
    };
    assert.equal(open("/proc/self/status"), "opened");
    for (const name of ["root", "cwd", "exe", "fd/0"]) assert.equal(open(`/proc/self/${name}`), "ELOOP", name);
    assert.equal(tree.directory("/"), "/");
  });
});

suite("the components of a path", () => {
  test("are its names, with dots upwards left to the kernel", () => {
    assert.deepEqual(components("/a//b/./../c/"), ["a", "b", "..", "c"]);
    assert.deepEqual(components("/"), []);
    assert.deepEqual(components(""), []);
    assert.deepEqual(components("..."), ["..."]);
  });
});
