import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CLONE_ARGS, OPEN_HOW, STATX_BYTES } from "../../abi/structs.ts";
import { ProgramBuilder } from "../builder.ts";
import type { Slot } from "../instruction.ts";
import type { Program } from "../program.ts";
import { verifyProgram } from "../verify.ts";
import { type ExplainedProgram, explainJson } from "./explain-json.ts";
import { type ExplainOptions, explainProgram } from "./explain-program.ts";

const GOLDEN = join(import.meta.dirname, "golden");
/** `ORLOP_UPDATE_GOLDEN=1` writes the files anew; read the difference before it is committed. */
const UPDATE = process.env.ORLOP_UPDATE_GOLDEN === "1";

function assertGolden(name: string, text: string): void {
  const path = join(GOLDEN, name);
  if (UPDATE) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"), `${name} differs`);
}

/** A small container: what real programs consist of, each thing once. */
function sampleProgram(): Program {
  const p = new ProgramBuilder("x86_64");
  const init = p.label("init");
  const root = p.slot("root");
  emitReaper(p, init);
  p.role("init");
  p.mark(init);
  p.step({ action: "open the root", field: "root.path" });
  const directory = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [-100, p.text("/srv/rootfs"), directory, 0], { into: root });
  emitMount(p, root);
  emitMask(p, root);
  p.step({ action: "forget a group that is not ours", why: "data only, and still to be seen" });
  const [done, denied, groups] = [p.label("done"), p.label("denied"), p.slot("groups")];
  p.call("setgroups", [0, 0], { on: ["EPERM"], goto: denied });
  p.jump(done);
  p.mark(denied);
  p.set(groups, -1);
  p.mark(done);
  p.step({ action: 'execute "sh"', field: "process.args[0]", why: "no descriptor from 3 up survives the exec" });
  p.call("close_range", [3, p.number(0xffffffff, "~0U"), p.flags("CLOSE_RANGE_CLOEXEC")], { ignore: ["ENOSYS"] });
  p.call("execve", [p.text("/bin/sh"), p.vector(["sh", "-c", "echo hi, there | cat"]), p.vector(["A=1", "B=2"])]);
  p.fail("ENOENT");
  return p.build();
}

function emitReaper(p: ProgramBuilder, init: ReturnType<ProgramBuilder["label"]>): void {
  const [child, status, word] = [p.slot("child"), p.slot("status"), p.buffer(8, "status_word")];
  const [failed, again, over] = [p.label("failed"), p.label("wait again"), p.label("over")];
  p.role("reaper");
  p.step({ action: "start init in its namespaces", field: "linux.namespaces", why: "one clone for all of them" });
  p.handler(failed);
  const flags = "CLONE_NEWNS|CLONE_NEWPID|CLONE_NEWNET|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_PIDFD|CLONE_CLEAR_SIGHAND";
  const args = p.struct(CLONE_ARGS, {
    flags: p.flags(flags),
    pidfd: p.buffer(8, "&pidfd"),
    exit_signal: p.number(17, "SIGCHLD"),
    cgroup: 0,
  });
  p.call("clone3", [args, CLONE_ARGS.size], { into: child });
  p.branch(child, "eq", 0, init);
  p.step({ action: "wait for init" });
  p.mark(again);
  p.call("wait4", [child, word.at(0, 4), 0, 0], { on: ["EINTR"], goto: again });
  p.load(status, word.at(1), 1);
  p.store(word.at(4), 4, status);
  const [clean, after] = [p.label("clean"), p.label("after")];
  p.branch(status, "eq", 0, clean);
  p.call("write", [2, p.text("init failed\n"), 12], { ignore: "any" });
  p.jump(after);
  p.mark(clean);
  p.call("write", [2, p.text("init ended\n"), 11], { ignore: "any" });
  p.mark(after);
  p.branch(status, "lt", 128, over);
  p.call("kill", [child, 9], { ignore: ["ESRCH"] });
  p.mark(over);
  p.call("exit_group", [status]);
  p.step({ action: "report a failure" });
  p.mark(failed);
  p.call("exit_group", [p.failedErrno]);
}

function emitMount(p: ProgramBuilder, root: Slot): void {
  const [make, open, target] = [p.label("make the directory"), p.label("directory is open"), p.slot("target")];
  const how = p.struct(OPEN_HOW, {
    flags: p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"),
    mode: 0,
    resolve: p.flags("RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS"),
  });
  p.step({ action: 'mount proc at "/proc"', field: "mounts[0]", why: "no link may lead the mount elsewhere" });
  p.call("openat2", [root, p.text("proc"), how, OPEN_HOW.size], { into: target, on: ["ENOENT"], goto: make });
  p.jump(open);
  p.mark(make);
  p.call("mkdirat", [root, p.text("proc"), 0o755], { ignore: ["EEXIST"] });
  p.call("openat2", [root, p.text("proc"), how, OPEN_HOW.size], { into: target });
  p.mark(open);
  p.call("fchdir", [target]);
}

function emitMask(p: ProgramBuilder, root: Slot): void {
  const [mask, mode, stat] = [p.slot("mask"), p.slot("mode"), p.buffer(STATX_BYTES, "{statx}")];
  for (const path of ["proc/kcore", "proc/keys"]) {
    const [next, right] = [p.label("next path"), p.label("a regular file")];
    p.step({ action: `mask "/${path}"`, field: "linux.maskedPaths" });
    p.call("openat", [root, p.text(path), p.flags("O_PATH"), 0], { into: mask, on: ["ENOENT", "ENOTDIR"], goto: next });
    p.call("statx", [mask, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_MODE"), stat]);
    p.load(mode, stat.at(28), 2);
    p.and(mode, mode, p.flags("S_IFMT"));
    p.branch(mode, "eq", p.flags("S_IFREG"), right);
    p.fail("EISDIR");
    p.mark(right);
    p.call("close", [mask]);
    p.mark(next);
  }
}

describe("explainProgram", () => {
  const views: readonly (readonly [string, ExplainOptions])[] = [
    ["default.txt", {}],
    ["verbose.txt", { verbose: true }],
    ["narrow.txt", { width: 50 }],
    ["color.txt", { color: true }],
  ];
  for (const [name, options] of views) {
    test(`prints the sample program as in golden/${name}, the same every time`, () => {
      const program = sampleProgram();
      verifyProgram(program);
      const text = explainProgram(program, options);
      assertGolden(name, text);
      assert.equal(explainProgram(program, options), text);
    });
  }

  test("keeps to the width wherever a line can be broken", () => {
    for (const line of explainProgram(sampleProgram(), { width: 60 }).split("\n")) {
      assert.ok(line.length <= 60, line);
    }
  });

  test("prints no escape sequence unless told to", () => {
    assert.doesNotMatch(explainProgram(sampleProgram()), /\p{Cc}(?<!\n)/u);
  });

  test("prints what a terminal would obey as escapes, wherever it comes from", () => {
    const hostile = "\u001b[2J\u009b\u202etxt\u2066\n\r";
    const p = new ProgramBuilder("x86_64");
    p.role(hostile);
    p.step({ action: hostile, field: hostile, why: hostile });
    const label = p.label(hostile);
    p.mark(label);
    p.call("chdir", [p.text(hostile)], { into: p.slot(hostile), on: ["ENOENT"], goto: label });
    p.call("exit_group", [p.number(0, hostile)]);
    for (const color of [false, true]) {
      const own = /\p{Cc}\[\d*m/gu;
      const text = explainProgram(p.build(), { color, verbose: true }).replace(color ? own : "", "");
      assert.doesNotMatch(text, /[\p{Cc}\p{Cf}](?<!\n)/u);
    }
  });

  test("names two places of the same name apart", () => {
    const p = new ProgramBuilder("x86_64");
    p.step({ action: "loop" });
    for (const status of [1, 2]) {
      const again = p.label("again");
      p.mark(again);
      p.call("getpid", []);
      p.call("fchdir", [status], { on: ["EBADF"], goto: again });
    }
    p.call("exit_group", [0]);
    const text = explainProgram(p.build());
    assert.match(text, /^\[again\]$.*\/\* EBADF: go to \[again\] \*\/$.*^\[again 2\]$.*\[again 2\] \*\/$/ms);
  });

  test("reads back an if with an else, and a loop out of it", () => {
    const p = new ProgramBuilder("x86_64");
    const [loop, other, done, got] = [p.label("loop"), p.label("other"), p.label("done"), p.slot("got")];
    p.step({ action: "decide" });
    p.mark(loop);
    p.call("getpid", [], { into: got });
    p.branch(got, "ne", 1, other);
    p.call("setsid", [], { ignore: "any" });
    p.jump(done);
    p.mark(other);
    p.branch(got, "ge", 9, loop);
    p.call("getuid", []);
    p.mark(done);
    p.call("exit_group", [0]);
    assert.deepEqual(explainProgram(p.build()).split("\n").slice(7, -1), [
      "[loop]",
      "getpid() = got",
      "if (got == 1)",
      "    setsid() /* any error: ignored */",
      "else",
      "    if (got >= 9) go to [loop]",
      "    getuid()",
      "exit_group(0)",
    ]);
  });

  test("keeps a jump into the middle of what would be a block", () => {
    const p = new ProgramBuilder("x86_64");
    const [middle, end, got] = [p.label("middle"), p.label("end"), p.slot("got")];
    p.step({ action: "jump about" });
    p.call("getpid", [], { into: got, on: ["ENOSYS"], goto: middle });
    p.branch(got, "eq", 1, end);
    p.call("setsid", []);
    p.mark(middle);
    p.call("getuid", []);
    p.mark(end);
    p.call("exit_group", [0]);
    assert.deepEqual(explainProgram(p.build()).split("\n").slice(7, -1), [
      "getpid() = got /* ENOSYS: go to [middle] */",
      "if (got == 1) go to [end]",
      "setsid()",
      "[middle]",
      "getuid()",
      "[end]",
      "exit_group(0)",
    ]);
  });

  test("shows every system call of a program exactly once", () => {
    const program = sampleProgram();
    const shown = explainProgram(program).match(/^ *[a-z]\w+\(/gm) ?? [];
    assert.equal(shown.length, program.instructions.filter(({ op }) => op === "syscall").length);
  });
});

describe("explainJson", () => {
  test("gives the sample program as in golden/json.txt", () => {
    assertGolden("json.txt", `${JSON.stringify(explainJson(sampleProgram()), null, 2)}\n`);
  });

  test("holds every instruction, in its step, under the index that failures are reported with", () => {
    const program = sampleProgram();
    const { steps }: ExplainedProgram = explainJson(program);
    const indices = steps.flatMap(({ calls }) => calls.map(({ index }) => index));
    assert.deepEqual(indices, [...program.instructions.keys()]);
    assert.equal(steps.length, program.steps.length);
  });
});
