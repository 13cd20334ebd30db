import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TIMESPEC } from "../abi/structs.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import type { Program } from "../program/program.ts";
import { emitReport, reportBuffer } from "./emit-report.ts";
import { programOf, RawZygote, standStill } from "./raw-zygote-fixture.ts";
import type { Report } from "./report.ts";
import { Zygote } from "./zygote.ts";
import { PROGRAM_LOST } from "./zygote-channel.ts";

const PATIENCE_MS = 10_000;

async function until(what: string, look: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!look()) {
    assert.ok(performance.now() < deadline, `waited ${PATIENCE_MS} ms for ${what}`);
    await sleep(2);
  }
}

function lives(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Why the zygote takes no more programs; empty while it does. */
function refusalOf(zygote: Zygote): string {
  if (zygote.alive) return "";
  try {
    zygote.submit(saying([1]), () => {});
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** A program that says something, and what happens in between. */
function saying(values: readonly number[], then: (p: ProgramBuilder) => void = () => {}): Program {
  return programOf((p) => {
    const report = reportBuffer(p);
    for (const value of values) emitReport(p, report, "created", { index: 0, value });
    then(p);
    emitReport(p, report, "ended", { index: 0 });
    p.call("exit_group", [0]);
  });
}

/** Sends a program; resolves with what it said of itself, once it has ended. */
function run(zygote: Zygote, program: Program): Promise<readonly Report[]> {
  const reports: Report[] = [];
  return new Promise((resolve) => {
    zygote.submit(program, (report) => {
      // The zygote's own word, which comes at any time.
      if (report.kind !== "begun") reports.push(report);
      if (report.kind === "ended" || report.kind === "unstarted") resolve(reports);
    });
  });
}

function started(): Zygote & Disposable {
  const zygote = Zygote.start();
  return Object.assign(zygote, { [Symbol.dispose]: () => zygote.close() });
}

suite("a zygote", () => {
  test("runs many programs at once, and gives each listener its own reports, in order", async () => {
    using zygote = started();
    const numbers = [...Array(100).keys()];
    const all = await Promise.all(numbers.map((number) => run(zygote, saying([number, number + 1000, number + 2000]))));
    for (const [number, reports] of all.entries()) {
      assert.deepEqual(
        reports.map(({ kind, value }) => [kind, kind === "created" ? value : 0]),
        [
          ["created", number],
          ["created", number + 1000],
          ["created", number + 2000],
          ["ended", 0],
        ],
      );
    }
  });

  test("tells which process executes a program", async () => {
    using zygote = started();
    const pid = await new Promise<number>((resolve) => {
      const still = programOf((p) => {
        standStill(p);
        p.call("exit_group", [0]);
      });
      zygote.submit(still, ({ kind, value }) => kind === "begun" && resolve(value));
    });
    assert.match(readFileSync(`/proc/${zygote.pid}/task/${zygote.pid}/children`, "utf8"), new RegExp(`^${pid} $`));
    process.kill(pid, "SIGKILL");
  });

  test("reaps every program, whatever its status", async () => {
    using zygote = started();
    await Promise.all([...Array(50).keys()].map(() => run(zygote, saying([1]))));
    await until("no child", () => readFileSync(`/proc/${zygote.pid}/task/${zygote.pid}/children`, "utf8") === "");
  });

  test("tells of a program that was killed or left by itself without a word", async () => {
    using zygote = started();
    const endings: readonly ((p: ProgramBuilder) => void)[] = [
      (p) => {
        p.call("getpid", [], { into: p.slot("pid") });
        p.call("kill", [p.slot("pid"), 9]);
      },
      (p) => p.call("exit_group", [3]),
      // A failure that no handler takes.
      (p) => p.fail("EIO"),
    ];
    for (const ending of endings) {
      const reports = await run(zygote, saying([1], ending));
      assert.deepEqual(
        reports.map(({ kind, index }) => [kind, index]),
        [
          ["created", 0],
          ["ended", PROGRAM_LOST],
        ],
      );
    }
    const [created] = await run(zygote, saying([2]));
    assert.equal(created?.value, 2, "the next program is unharmed");
  });

  test("refuses what the verifier refuses, and goes on", async () => {
    using zygote = started();
    const wild = programOf((p) => p.jump(p.label("never marked")));
    assert.throws(() => zygote.submit(wild, () => {}), { code: "internal", message: /^Cannot verify / });
    assert.equal((await run(zygote, saying([5])))[0]?.value, 5);
  });

  test("takes a program as large as can be, and refuses a larger one at once", async () => {
    using zygote = started();
    const padded = (bytes: number): Program => {
      const program = saying([4]);
      return { ...program, image: Buffer.concat([program.image, Buffer.alloc(bytes)]) };
    };
    assert.equal((await run(zygote, padded(4_000_000)))[0]?.value, 4);
    assert.throws(() => zygote.submit(padded(5_000_000), () => {}), {
      code: "exhausted",
      message: /PROGRAM_MAX_BYTES/,
    });
    assert.equal((await run(zygote, saying([6])))[0]?.value, 6);
  });
});

suite("a zygote's process", () => {
  test("has nothing of its starter's but the three descriptors and the socket, and a session of its own", async () => {
    // One that is not closed on exec, as a shell's redirection leaves it.
    const stray = spawn(process.execPath, ["-C", "source", "--input-type=module", "-e", STRAY], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit", "ignore", "ignore", "ignore"],
    });
    const [chunk] = (await once(stray.stdout as NonNullable<typeof stray.stdout>, "data")) as [Buffer];
    const { targets, session, pid } = JSON.parse(chunk.toString()) as {
      targets: string[];
      session: number;
      pid: number;
    };
    await once(stray, "exit");
    assert.deepEqual(targets.slice(0, 3), ["/dev/null", "/dev/null", "/dev/null"]);
    assert.match(targets[3] ?? "", /^socket:/);
    assert.deepEqual(
      targets.slice(4).filter((target) => !/^(anon_inode:\[signalfd\]|pipe:)/.test(target)),
      [],
    );
    assert.ok(!targets.slice(3).includes("/dev/null"));
    assert.equal(session, pid);
    await until("the end of the zygote", () => !lives(pid));
  });

  test("executes sealed memory that nobody can write, and could be written otherwise", async () => {
    const write = async (zygote: RawZygote): Promise<string> => {
      await zygote.answers();
      assert.equal(readlinkSync(`/proc/${zygote.pid}/exe`), "/memfd:orlop-machine (deleted)");
      const descriptor = openSync(`/proc/${zygote.pid}/exe`, "r");
      zygote.socket.end();
      await zygote.end();
      // Now nothing executes it any more, which would be a protection of its own.
      try {
        const writer = openSync(`/proc/self/fd/${descriptor}`, "r+");
        try {
          writeSync(writer, "overwritten");
          return "written";
        } finally {
          closeSync(writer);
        }
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      } finally {
        closeSync(descriptor);
      }
    };
    {
      await using sealed = new RawZygote();
      assert.equal(await write(sealed), "EPERM");
    }
    // The same without the call that seals (CVE-2019-5736).
    const unsealed = (program: Program): Program => ({
      ...program,
      instructions: program.instructions.filter(
        ({ operands: [, command] }) => command === undefined || !("show" in command) || command.show !== "F_ADD_SEALS",
      ),
    });
    await using open = new RawZygote({ seal: unsealed });
    assert.equal(await write(open), "written");
  });
});

/** Starts a zygote, looks at its process, and leaves. */
const STRAY = `
  import { readdirSync, readFileSync, readlinkSync } from "node:fs";
  import { Zygote } from "./zygote.ts";
  import { programOf } from "./raw-zygote-fixture.ts";
  const zygote = Zygote.start();
  await new Promise((resolve) => zygote.submit(programOf((p) => p.call("exit_group", [1])), resolve));
  const path = "/proc/" + zygote.pid;
  const targets = readdirSync(path + "/fd").map((fd) => readlinkSync(path + "/fd/" + fd));
  const session = Number(readFileSync(path + "/stat", "utf8").split(") ")[1].split(" ")[3]);
  console.log(JSON.stringify({ targets, session, pid: zygote.pid }));
  zygote.close();
`;

/** Starts a zygote with a program that stays, says both pids, and waits to be killed. */
const STARTER = `
  import { readFileSync } from "node:fs";
  import { Zygote } from "./zygote.ts";
  import { programOf, standStill } from "./raw-zygote-fixture.ts";
  const zygote = Zygote.start();
  zygote.submit(programOf((p) => { standStill(p); p.call("exit_group", [0]); }), () => {});
  const children = () => readFileSync("/proc/" + zygote.pid + "/task/" + zygote.pid + "/children", "utf8").trim();
  while (children() === "") await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(JSON.stringify([zygote.pid, Number(children())]));
  setInterval(() => {}, 60_000);
`;

suite("the end of a zygote", () => {
  test("comes with the end of the process that started it, however sudden; its programs decide for themselves", async () => {
    const starter: ChildProcess = spawn(process.execPath, ["-C", "source", "--input-type=module", "-e", STARTER], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [chunk] = (await once(starter.stdout as NonNullable<typeof starter.stdout>, "data")) as [Buffer];
    const [zygote = 0, program = 0] = JSON.parse(chunk.toString()) as number[];
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await until("the end of the zygote", () => !lives(zygote));
    assert.equal(lives(program), true);
    process.kill(program, "SIGKILL");
  });

  test("comes with close, which ends the waiting of every listener", async () => {
    const zygote = Zygote.start();
    const waiting = run(zygote, saying([1], standStill));
    await run(zygote, saying([2]));
    const child = Number(readFileSync(`/proc/${zygote.pid}/task/${zygote.pid}/children`, "utf8").trim().split(" ")[0]);
    zygote.close();
    const reports = await waiting;
    assert.deepEqual([reports.at(-1)?.kind, reports.at(-1)?.index], ["ended", PROGRAM_LOST]);
    await until("the end of the zygote", () => !zygote.alive);
    assert.match(refusalOf(zygote), /^Cannot use zygote: /);
    process.kill(child, "SIGKILL");
  });

  test("by SIGKILL is an error of the next submit; programs that run go on and are heard", async () => {
    using zygote = started();
    const reports: Report[] = [];
    const program = programOf((p) => {
      const report = reportBuffer(p);
      const again = p.label("until the zygote is gone");
      const [parent, before] = [p.slot("parent"), p.slot("before")];
      // Before its first report, for which the zygote is killed.
      p.call("getppid", [], { into: before });
      emitReport(p, report, "created", { value: 1 });
      p.mark(again);
      p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, p.struct(TIMESPEC, { tv_nsec: 1_000_000 }), 0]);
      p.call("getppid", [], { into: parent });
      p.branch(parent, "eq", before, again);
      emitReport(p, report, "created", { value: 2 });
      emitReport(p, report, "ended", { index: 0 });
      p.call("exit_group", [0]);
    });
    zygote.submit(program, (report) => report.kind !== "begun" && reports.push(report));
    await until("the first report", () => reports.length === 1);
    process.kill(zygote.pid ?? 0, "SIGKILL");
    await until("the rest", () => reports.at(-1)?.kind === "ended");
    assert.deepEqual(
      reports.map(({ value, index }) => [value, index]),
      [
        [1, 0],
        [2, 0],
        [2, 0],
      ],
    );
    await until("that it is known", () => refusalOf(zygote) === "Cannot use zygote: it ended with SIGKILL");
  });

  test("tells the listeners of programs that it never began", async () => {
    using zygote = started();
    await run(zygote, saying([1]));
    process.kill(zygote.pid ?? 0, "SIGSTOP");
    const waiting = [...Array(5).keys()].map((number) => run(zygote, saying([number])));
    process.kill(zygote.pid ?? 0, "SIGKILL");
    for (const reports of await Promise.all(waiting)) {
      assert.deepEqual(
        reports.map(({ kind, index }) => [kind, index]),
        [["ended", PROGRAM_LOST]],
      );
    }
    assert.equal(zygote.alive, false);
  });

  test("leaves neither process nor descriptor behind", async () => {
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 5; round++) {
      const zygote = Zygote.start();
      await run(zygote, saying([round]));
      const { pid = 0 } = zygote;
      zygote.close();
      await until("the end of the zygote", () => !existsSync(`/proc/${pid}`));
    }
    assert.equal(readdirSync("/proc/self/fd").length, before);
  });
});
