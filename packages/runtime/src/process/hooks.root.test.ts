import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Hook, Hooks, OrlopError, State } from "@orlop/core";
import { spawnMaker, startMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;
type HookKind = (typeof KINDS)[number];

/** Those whose program is looked for in the container. */
const INSIDE: ReadonlySet<HookKind> = new Set(["startContainer"]);
/** Those that are in the container's namespaces. */
const ENTERED: ReadonlySet<HookKind> = new Set(["createContainer", "startContainer"]);

function script(path: string, ...lines: readonly string[]): void {
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
}

/** A hook of this kind that runs the lines; for those inside it lies in the root file system. */
function hook(bench: ProcessBench, kind: HookKind, lines: readonly string[], more: Partial<Hook> = {}): Hooks {
  const name = `hook-${kind}.sh`;
  const path = bench.path(name);
  script(path, ...lines);
  if (!INSIDE.has(kind)) return { [kind]: [{ path, ...more }] };
  script(join(bench.rootfs, name), ...lines);
  return { [kind]: [{ path: `/${name}`, ...more }] };
}

/** A process with this argument. */
function findProcess(argument: string): number | undefined {
  return readdirSync("/proc")
    .map(Number)
    .find((pid) => pid > 0 && readQuietly(`/proc/${pid}/cmdline`).split("\0").includes(argument));
}

/** The first process of another's pid namespace. */
function firstBeside(pid: number): number | undefined {
  const namespaceOf = (who: number): string => readlinkSync(`/proc/${who}/ns/pid`);
  return readdirSync("/proc")
    .map(Number)
    .find(
      (each) =>
        /^NSpid:\s+\d+\s(.*\s)?1$/m.test(readQuietly(`/proc/${each}/status`)) && namespaceOf(each) === namespaceOf(pid),
    );
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function createAndStart(bench: ProcessBench, hooks: Hooks, id = bench.newId()): Promise<string> {
  const request = bench.request("echo program ran; sleep 1000", { top: { hooks }, request: { id } });
  await bench.runtime.create(request);
  await bench.runtime.start(id);
  return id;
}

suite("hooks", () => {
  test("run in the order of the specification, each with the state of its moment on standard input", (t) =>
    withBench(t, async (bench) => {
      const log = bench.path("log");
      writeFileSync(log, "");
      writeFileSync(join(bench.rootfs, "log"), "");
      const hooks: Hooks = Object.assign(
        {},
        ...KINDS.map((kind) => {
          const file = INSIDE.has(kind) ? "/log" : log;
          return hook(bench, kind, [`echo "${kind} $1 $(cat)" >>${file}`], { args: ["hook", `word of ${kind}`] });
        }),
      );
      const annotations = { "org.example.a": "b" };
      const request = bench.request("sleep 1000", { top: { hooks, annotations } });
      const { pid } = await bench.runtime.create(request);
      const outside = (): readonly string[] => readFileSync(log, "utf8").trimEnd().split("\n");
      assert.deepEqual(
        outside().map((line) => line.split(" ")[0]),
        ["prestart", "createRuntime", "createContainer"],
      );
      await bench.runtime.start(request.id);
      await bench.runtime.delete(request.id, { force: true });
      const lines = [
        ...outside().slice(0, 3),
        readFileSync(join(bench.rootfs, "log"), "utf8").trimEnd(),
        ...outside().slice(3),
      ];
      const statuses = ["creating", "creating", "creating", "created", "running", "stopped"];
      for (const [index, kind] of KINDS.entries()) {
        const line = lines[index] ?? "";
        const head = `${kind} word of ${kind} `;
        assert.equal(line.slice(0, head.length), head);
        const state = JSON.parse(line.slice(head.length)) as State;
        assert.deepEqual(
          state,
          {
            ociVersion: "1.0.2",
            id: request.id,
            status: statuses[index],
            // As who is told it sees it: of a container's first process the container says 1.
            ...(kind === "poststop" ? {} : { pid: ENTERED.has(kind) ? 1 : pid }),
            bundle: bench.directory,
            annotations,
          },
          kind,
        );
      }
      assert.equal(lines.length, KINDS.length);
    }));

  test("say what they say into the files that crun's annotations name", (t) =>
    withBench(t, async (bench) => {
      const say = ['echo "out of $1"', 'echo "err of $1" >&2', 'test "$1" != bad'];
      const hooks: Hooks = Object.assign({}, ...KINDS.map((kind) => hook(bench, kind, say, { args: ["hook", kind] })));
      const annotations = { "run.oci.hooks.stdout": "said", "run.oci.hooks.stderr": bench.path("complained") };
      const request = bench.request("true", { top: { hooks, annotations } });
      await bench.runtime.create(request);
      await bench.runtime.start(request.id);
      await bench.runtime.delete(request.id, { force: true });
      for (const [file, stream] of [
        ["said", "out"],
        ["complained", "err"],
      ] as const) {
        assert.equal(readFileSync(bench.path(file), "utf8"), KINDS.map((kind) => `${stream} of ${kind}\n`).join(""));
      }
      const bad = hook(bench, "createRuntime", say, { args: ["hook", "bad"] });
      const failing = bench.request("true", { top: { hooks: bad, annotations } });
      await assert.rejects(bench.runtime.create(failing), { message: /: it ended with exit status 1$/ });
    }));

  test("run for a container with a terminal, too", (t) =>
    withBench(t, async (bench) => {
      const log = bench.path("log");
      const hooks = Object.assign({}, ...KINDS.slice(0, 3).map((kind) => hook(bench, kind, [`echo ${kind} >>${log}`])));
      const request = bench.request("tty", { top: { hooks }, process: { terminal: true } });
      await bounded("the start", bench.runtime.run(request));
      await bounded("the wait", bench.runtime.wait(request.id));
      await bench.runtime.delete(request.id);
      assert.equal(bench.output(request.id), "/dev/pts/0\r\n");
      assert.equal(readFileSync(log, "utf8"), "prestart\ncreateRuntime\ncreateContainer\n");
    }));

  test("before the pivot can mount into the root, by its path on the host or from within it", (t) =>
    withBench(t, async (bench) => {
      writeFileSync(bench.path("file"), "mounted\n");
      for (const name of ["runtime", "container"]) writeFileSync(join(bench.rootfs, name), "");
      const mount = `mount --bind ${bench.path("file")}`;
      const find = "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')";
      const env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
      const hooks: Hooks = {
        ...hook(bench, "createRuntime", [find, `nsenter -m -t $pid ${mount} ${bench.rootfs}/runtime`], { env }),
        ...hook(bench, "createContainer", [`${mount} ./container`], { env }),
      };
      const { output } = await bench.run("cat /runtime /container", { top: { hooks } });
      assert.equal(output, "mounted\nmounted\n");
      assert.equal(readFileSync(join(bench.rootfs, "runtime"), "utf8"), "", "nothing of it reaches the host");
    }));

  test("as startContainer have the program's environment unless they have one of their own", (t) =>
    withBench(t, async (bench) => {
      writeFileSync(join(bench.rootfs, "log"), "");
      const { startContainer = [] } = hook(bench, "startContainer", ['echo "$COLOUR of $HOME" >>/log']);
      const [first] = startContainer;
      const hooks = { startContainer: [first, { ...first, env: ["COLOUR=red"] }] } as Hooks;
      const env = ["PATH=/bin", "COLOUR=green"];
      const request = bench.request("true", { top: { hooks }, process: { env } });
      await bench.runtime.create(request);
      await bench.runtime.start(request.id);
      await bench.runtime.delete(request.id, { force: true });
      assert.equal(readFileSync(join(bench.rootfs, "log"), "utf8"), "green of /root\nred of \n");
    }));

  for (const kind of KINDS) {
    const where = ENTERED.has(kind) ? "the container's namespaces" : "the caller's namespaces";
    test(`as ${kind} run in ${where}, with an environment and descriptors of their own`, (t) =>
      withBench(t, async (bench) => {
        const id = bench.newId();
        const inside = INSIDE.has(kind) ? "" : bench.directory;
        const outside = INSIDE.has(kind) ? bench.rootfs : bench.directory;
        const env = [`COLOUR=green`, "PATH=/bin"];
        const lines = [`cat >${inside}/told`, `while [ ! -e ${inside}/go ]; do sleep 0.02; done`];
        const hooks = hook(bench, kind, lines, { env, args: ["hook", id] });
        const done = createAndStart(bench, hooks, id).then(() => bench.runtime.delete(id, { force: true }));
        const pid = await until("the hook", () => findProcess(id));
        const state = await until("the state", () => readQuietly(join(outside, "told")) || undefined);
        const { pid: told } = JSON.parse(state) as State;
        if (ENTERED.has(kind)) assert.equal(told, 1);
        const init = ENTERED.has(kind) ? firstBeside(pid) : told;
        const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");
        for (const name of ["mnt", "uts", "net", "ipc", "cgroup", "pid"]) {
          // A cgroup namespace shows the hook where it is: in the caller's cgroup.
          const who = ENTERED.has(kind) ? init : "self";
          assert.equal(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/${who}/ns/${name}`), name);
        }
        assert.equal(read("environ"), env.map((entry) => `${entry}\0`).join(""));
        // A program of the image's is confined as the container is; the host's own run where their caller does.
        const peer = kind === "startContainer" ? init : "self";
        assert.equal(read("cgroup"), readFileSync(`/proc/${peer}/cgroup`, "utf8"));
        if (kind === "startContainer") {
          const confined = (text: string): readonly string[] => text.match(/^(Cap(Prm|Bnd)|Seccomp|NSpid):.*$/gm) ?? [];
          assert.equal(confined(read("status")).length, 4);
          assert.notEqual(read("status").match(/^CapBnd:\s*(.*)$/m)?.[1], "000001fffeffffff");
        }
        // Its own three, and the shell's of its script.
        assert.deepEqual(
          readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) < 10),
          ["0", "1", "2"],
        );
        writeFileSync(join(outside, "go"), "");
        await bounded("the hook's end", done);
      }));
  }

  test("as startContainer have the container's environment where they are given none, and an empty one where that is", (t) =>
    withBench(t, async (bench) => {
      const tell = (place: string): Hook => ({ path: "/bin/cp", args: ["cp", "/proc/self/environ", place] });
      const request = bench.request("true", {
        top: { hooks: { startContainer: [tell("/environ0"), { ...tell("/environ1"), env: [] }] } },
        process: { env: ["PATH=/bin", "HOME=/a", "X=1", "HOME=/b", "X=2"] },
      });
      await bench.runtime.create(request);
      await bench.runtime.start(request.id);
      await bench.runtime.delete(request.id, { force: true });
      const told = [0, 1].map((index) => readFileSync(join(bench.rootfs, `environ${index}`), "utf8"));
      assert.deepEqual(told, ["PATH=/bin\0HOME=/b\0X=2\0", ""]);
    }));

  test("run one after the other, and none after one that failed", (t) =>
    withBench(t, async (bench) => {
      const log = bench.path("order");
      const path = bench.path("hook.sh");
      script(path, `echo $1 >>${log}`, 'test "$1" != two');
      const createRuntime = ["one", "two", "three"].map((word) => ({ path, args: ["hook", word] }));
      const attempt = createAndStart(bench, { createRuntime, createContainer: [{ path, args: ["hook", "four"] }] });
      await assert.rejects(attempt, { code: "failed", field: "hooks.createRuntime[1]" });
      assert.equal(readFileSync(log, "utf8"), "one\ntwo\n");
    }));
});

suite("hooks of a container that another process made", () => {
  /** A container made by a process of its own, with a hook of each later kind that says so in the root's file `log`. */
  async function made(
    bench: ProcessBench,
    startLines: readonly string[],
    mayLive: boolean,
  ): Promise<AsyncDisposable & { readonly id: string }> {
    const log = join(bench.rootfs, "log");
    writeFileSync(log, "");
    const hooks: Hooks = {
      ...hook(bench, "createRuntime", [`echo createRuntime >>${log}`]),
      ...hook(bench, "startContainer", ["echo startContainer >>/log", ...startLines]),
      ...hook(bench, "poststart", [`echo poststart >>${log}`]),
      ...hook(bench, "poststop", [`echo poststop >>${log}`]),
    };
    const request = bench.request("echo program >>/log; sleep 1000", { top: { hooks }, request: { detached: true } });
    const maker = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "create" });
    if (!mayLive) await maker.kill();
    return { id: request.id, [Symbol.asyncDispose]: maker.kill };
  }
  const logOf = ({ rootfs }: ProcessBench): string => readFileSync(join(rootfs, "log"), "utf8");

  for (const mayLive of [true, false]) {
    const when = mayLive ? "while that lives" : "when that is dead";
    test(`are run by who starts and who deletes it, ${when}`, (t) =>
      withBench(t, async (bench) => {
        await using container = await made(bench, [], mayLive);
        const { id } = container;
        assert.equal(logOf(bench), "createRuntime\n");
        await bounded("the start", bench.runtime.start(id));
        await until("the program", () => (logOf(bench).includes("program") ? true : undefined));
        await bench.runtime.delete(id, { force: true });
        const [first, second, ...rest] = logOf(bench).trim().split("\n");
        // The program and poststart are there at the same time.
        assert.deepEqual(
          [first, second, rest.sort()],
          ["createRuntime", "startContainer", ["poststart", "poststop", "program"]],
        );
      }));

    test(`fail its start, ${when}`, (t) =>
      withBench(t, async (bench) => {
        await using container = await made(bench, ["echo what went wrong >&2; exit 3"], mayLive);
        const { id } = container;
        await assert.rejects(bounded("the start", bench.runtime.start(id)), {
          code: "failed",
          message: /^Cannot run hook ".*": it ended with exit status 3: what went wrong$/,
          field: "hooks.startContainer[0]",
        });
        assert.deepEqual(await bench.runtime.list(), []);
        assert.equal(logOf(bench), "createRuntime\nstartContainer\npoststop\n");
      }));
  }
});

suite("a hook that fails", () => {
  for (const kind of KINDS.filter((each) => each !== "poststop")) {
    test(`as ${kind} fails the container with its exit status and output, and nothing is left`, (t) =>
      withBench(t, async (bench) => {
        const id = bench.newId();
        const hooks = hook(bench, kind, ["echo what went wrong >&2", "exit 3"]);
        const error = await createAndStart(bench, hooks, id).then(
          () => assert.fail("it did not fail"),
          (failure: OrlopError) => failure,
        );
        assert.equal(error.code, "failed", error.message);
        assert.match(error.message, /^Cannot run hook ".*hook-\w+\.sh": it ended with exit status 3: what went wrong$/);
        assert.equal(error.field, `hooks.${kind}[0]`);
        await assert.rejects(bench.runtime.state(id), { code: "not-found" });
        if (kind !== "poststart") assert.equal(bench.output(id), "");
      }));
  }

  test("by taking too long is ended with all that it started, and says so", (t) =>
    withBench(t, async (bench) => {
      const attempts = KINDS.filter((each) => each !== "poststop").map(async (kind) => {
        const id = bench.newId();
        const lines = ['sh -c "sleep 1000; true" sh "$1" & sh -c "sleep 1000; true" sh "$1"'];
        const hooks = hook(bench, kind, lines, { timeout: 1, args: ["hook", `of ${id}`] });
        await assert.rejects(bounded("the hook", createAndStart(bench, hooks, id)), {
          code: "failed",
          message: /^Cannot wait 1 s for hook ".*": /,
          field: `hooks.${kind}[0].timeout`,
        });
        await until("the end of all that it started", () => (findProcess(`of ${id}`) === undefined ? true : undefined));
      });
      // At once, because a second is the least that a hook can be given.
      await Promise.all(attempts);
    }));

  test("as poststop is a warning, and the container goes all the same", (t) =>
    withBench(t, async (bench) => {
      const id = await createAndStart(bench, hook(bench, "poststop", ["echo broken", "exit 4"]));
      const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
      await bench.runtime.delete(id, { force: true });
      assert.match(
        (await bounded("the warning", warned)).message,
        /^Cannot run hook ".*": it ended with exit status 4: broken$/,
      );
      await assert.rejects(bench.runtime.state(id), { code: "not-found" });
    }));

  test("says what signal ended it, that it does not exist, or that it cannot be executed", (t) =>
    withBench(t, async (bench) => {
      const ended = createAndStart(bench, hook(bench, "createRuntime", ["kill -9 $$"]));
      await assert.rejects(ended, { code: "failed", message: /: it ended with signal 9 \(killed\)$/ });
      const plain = bench.path("plain");
      writeFileSync(plain, "no program");
      for (const [path, message] of [
        [
          "/no/such/hook",
          /^Cannot execute hook "\/no\/such\/hook": no such file or directory \(hooks.createRuntime\[0\].path\)$/,
        ],
        [plain, /^Cannot execute hook ".*plain": permission denied \(hooks.createRuntime\[0\].path\)$/],
      ] as const) {
        await assert.rejects(createAndStart(bench, { createRuntime: [{ path }] }), { message });
      }
    }));

  test("may say more than an error holds, of which the end is kept", (t) =>
    withBench(t, async (bench) => {
      const lines = ["i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done", "echo the end", "exit 1"];
      const error = await createAndStart(bench, hook(bench, "createRuntime", lines)).then(
        () => assert.fail("it did not fail"),
        (failure: OrlopError) => failure,
      );
      assert.match(error.message, /line 4999\nthe end$/);
      assert.ok(error.message.length < 1000);
    }));

  test("ends with the process that wants it run, and so does the container", (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("sleep 1000", { request: { detached: true } });
      const hooks = hook(bench, "createRuntime", ["sleep 1000; true"], { args: ["hook", `of ${request.id}`] });
      const spec = { ...request.spec, hooks };
      const maker = startMaker({ root: bench.stateDirectory, requests: [{ ...request, spec }], upTo: "create" });
      const pid = await until("the hook", () => findProcess(`of ${request.id}`));
      const gone = once(maker, "exit");
      maker.kill("SIGKILL");
      await gone;
      await until("the end of the hook", () => (existsSync(`/proc/${pid}`) ? undefined : true));
      await until("the end of the container", async () =>
        (await bench.runtime.state(request.id)).status === "stopped" ? true : undefined,
      );
      await bench.runtime.delete(request.id, { force: true });
    }));

  test("lets the id be used again", (t) =>
    withBench(t, async (bench) => {
      const id = bench.newId();
      await assert.rejects(createAndStart(bench, hook(bench, "startContainer", ["exit 1"]), id), { code: "failed" });
      await createAndStart(bench, {}, id);
      await bench.outputHas(id, "program ran");
      assert.equal(existsSync(join(bench.stateDirectory, id)), true);
      await bench.runtime.delete(id, { force: true });
    }));
});
