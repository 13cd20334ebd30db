import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { suite, test } from "node:test";
import type { CreateRequest, OrlopError } from "@orlop/core";
import { callsOf, failAt, instructionsOf, pauseAt, stepAt } from "./faulty-program-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const init = { request: { init: true } } as const;

/** Whether signal `number` is in a mask of /proc/PID/status. */
function masks(status: string, field: string): string {
  return new RegExp(`^${field}:\t([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "";
}

suite("the small init", () => {
  test("stays behind as pid 1, and gives the program's exit code", (t) =>
    withBench(t, async (bench) => {
      const { exitCode, signal, output } = await bench.run("echo $$; cat /proc/1/comm; exit 7", init);
      assert.deepEqual([exitCode, signal], [7, undefined]);
      assert.match(output, /^[2-9]\norlop-init\n$/);
    }));

  test("gives 128 and the number of the signal that ended the program", (t) =>
    withBench(t, async (bench) => {
      for (const name of ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGABRT"] as const) {
        const number = constants.signals[name];
        const { exitCode } = await bench.run(`kill -${number} $$; sleep 1000`, init);
        assert.equal(exitCode, 128 + number, name);
      }
    }));

  test("forwards every signal that can be caught", (t) =>
    withBench(t, async (bench) => {
      // SIGCHLD is how it learns of ends; what stops or continues is the shell's own.
      const names = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGUSR1",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGURG",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
      ] as const;
      const numbers = [...names.map((name) => constants.signals[name]), 34, 50, 64];
      const traps = numbers.map((number) => `trap 'echo got ${number}' ${number}`).join("; ");
      const id = await bench.start(`${traps}; echo ready; while :; do sleep 0.02; done`, init);
      await bench.outputHas(id, "ready");
      for (const number of numbers) {
        await bench.runtime.signal(id, number);
        await bench.outputHas(id, `got ${number}\n`);
      }
      await bench.runtime.delete(id, { force: true });
    }));

  test("reaps what nobody else waits for", (t) =>
    withBench(t, async (bench) => {
      const orphans = "for n in 1 2 3 4 5 6 7 8 9; do sh -c 'sleep 0.05 & sleep 0.1 &'; done";
      const id = await bench.start(`${orphans}; echo ready; sleep 1000; true`, init);
      await bench.outputHas(id, "ready");
      await until("the end of the orphans", async () =>
        (await bench.runtime.pids(id)).length === 3 ? true : undefined,
      );
      const states = (await bench.runtime.pids(id)).map(
        (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2],
      );
      assert.deepEqual(states, ["S", "S", "S"]);
      await bench.runtime.delete(id, { force: true });
    }));

  test("ends everything when the program ends", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000 & sleep 1000 & exit 5", init);
      assert.equal((await bounded("the wait", bench.runtime.wait(id))).exitCode, 5);
      await bench.runtime.delete(id);
    }));

  test("reports a program that cannot be executed", (t) =>
    withBench(t, async (bench) => {
      const attempt = bench.start("", { ...init, process: { args: ["/no/such/program"] } });
      await assert.rejects(bounded("the start", attempt), { code: "executable-not-found" });
      const request = bench.request("", { ...init, process: { args: ["/no/such/program"] } });
      await bench.runtime.create(request);
      await assert.rejects(bounded("the start", bench.runtime.start(request.id)), { code: "executable-not-found" });
    }));

  test("that ends too early is what a failure tells of, however slow the program is", (t) =>
    withBench(t, async (bench) => {
      // In a pid namespace of its own the program would most often be killed before it could tell anything.
      const namespaces = (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => type !== "pid");
      const terminal = { ...init, process: { terminal: true }, linux: { namespaces } };
      let broken = 0;
      for (let nth = 0; ; nth++) {
        bench.mutate = (made) => {
          const calls = instructionsOf(made, /./, "syscall").filter((index) => stepAt(made, index).role === "pid 1");
          const [foreground] = callsOf(made, "ioctl", /process group/);
          const fault = calls[nth];
          assert(foreground !== undefined);
          if (fault === undefined) return made;
          broken++;
          return pauseAt(failAt(made, fault, "EIO"), foreground, 50);
        };
        const { error } = await bench.run("true", terminal).then(
          () => ({ error: undefined }),
          (reason: OrlopError) => ({ error: reason }),
        );
        assert.ok(error === undefined || error.errno === "EIO", String(error));
        if (broken === nth) break;
      }
      assert.ok(broken > 5);
    }));

  test("lets an exec in, and ends it with the container", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000", init);
      assert.equal(await bench.exec(id, "short", "cat /proc/1/comm"), "orlop-init\n");
      await bench.runtime.exec(bench.execRequest(id, "long", "sleep 1000"));
      const waiting = bench.runtime.wait(id, { execId: "long" });
      await bench.runtime.signal(id, constants.signals.SIGKILL);
      assert.equal((await bounded("the wait", waiting)).exitCode, 137);
      await bounded("the wait", bench.runtime.wait(id));
      await bench.runtime.delete(id);
    }));
});

/** Not a shell, which has signals of its own to ignore. */
const program = ["/bin/cat", "/proc/self/status"];

async function statusOf(bench: ProcessBench, request: Partial<CreateRequest>): Promise<string> {
  return (await bench.run("", { process: { args: program }, request })).output;
}

suite("a program", () => {
  test("starts with no signal blocked, ignored or pending, with the small init and without", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      await bench.runtime.exec(bench.execRequest(id, "e", "", { args: program }));
      await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
      const seen = [await statusOf(bench, {}), await statusOf(bench, init.request), bench.output("e")];
      for (const status of seen) {
        for (const field of ["SigBlk", "SigIgn", "SigPnd", "ShdPnd"]) {
          assert.equal(masks(status, field), "0000000000000000", field);
        }
      }
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("the small init without a program", () => {
  const alone = { request: { init: "alone" }, process: { args: ["-"] } } as const;

  test("executes nothing of the root, lets execs in, and reaps what they leave", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("", alone);
      assert.equal(
        await bench.exec(id, "look", "cat /proc/1/comm; ls -l /proc/1/exe 2>&1 | grep -c busybox"),
        "orlop-init\n0\n",
      );
      await bench.exec(id, "leave", "sh -c 'sleep 0.05 & sleep 0.1 &'");
      await until("the end of the orphans", async () =>
        (await bench.runtime.pids(id)).length === 1 ? true : undefined,
      );
      await bench.runtime.delete(id, { force: true });
    }));

  test("keeps nothing open but what it waits with", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("", alone);
      const { pid } = await bench.runtime.state(id);
      const further = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2);
      const open = further.map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      assert.deepEqual(open, ["anon_inode:[signalfd]"]);
      await bench.runtime.delete(id, { force: true });
    }));

  test("ends with SIGTERM", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("", alone);
      await bench.runtime.signal(id, constants.signals.SIGUSR1);
      await bench.runtime.signal(id, constants.signals.SIGTERM);
      assert.equal((await bounded("the wait", bench.runtime.wait(id))).exitCode, 128 + constants.signals.SIGTERM);
      await bench.runtime.delete(id);
    }));
});
