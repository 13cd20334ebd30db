import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { HAS_SIZE } from "./client-scripts-fixture.ts";
import { type Engine, EngineBench } from "./engine-bench-fixture.ts";

/** Something that users do with an engine. */
interface EngineCase {
  readonly title: string;
  readonly needsCgroups?: boolean;
  run(bench: EngineBench): Promise<void>;
}

const CASES: readonly EngineCase[] = [
  {
    title: "ends as the program does",
    async run(bench) {
      const { exitCode, stdout, stderr } = await bench.runs([], "echo out; echo err >&2; exit 7");
      assert.deepEqual([exitCode, stdout, stderr], [7, "out\n", "err\n"]);
      assert.equal((await bench.runs([], ["sh", "-c", "kill -9 $$"])).exitCode, 0);
      assert.equal((await bench.runs(["--init"], "kill -9 $$")).exitCode, 137);
    },
  },

  {
    title: "says whether a program is missing or may not be executed",
    async run(bench) {
      const missing = await bench.runs([], ["/missing"]);
      assert.match(missing.stderr, /Cannot execute "\/missing".*not found/);
      assert.equal(missing.exitCode, 127);
      const refused = await bench.runs([], ["/etc"]);
      assert.match(refused.stderr, /Cannot execute "\/etc".*permission denied/);
      assert.equal(refused.exitCode, 126);
    },
  },

  {
    title: "executes further programs in a container",
    async run(bench) {
      await bench.starts("execs");
      const { host, command, execNotFound } = bench.engine;
      const failing = await bench.call("exec", "execs", "sh", "-c", "echo out; echo err >&2; exit 3");
      assert.deepEqual(failing, { exitCode: 3, stdout: "out\n", stderr: "err\n" });
      assert.equal(await host.succeeds(command("exec", "-i", "execs", "cat"), { input: "data" }), "data");
      const changed = ["--user=somebody", "--workdir=/tmp", "--env=A=b"];
      assert.equal(await bench.says("exec", ...changed, "execs", "sh", "-c", "id -u; pwd; echo $A"), "1000\n/tmp\nb");
      await bench.says("exec", "--detach", "execs", "touch", "/detached");
      await bench.says("exec", "execs", "sh", "-c", "until [ -e /detached ]; do sleep 0.05; done");
      assert.equal((await bench.call("exec", "execs", "/missing")).exitCode, execNotFound);
      assert.equal((await bench.call("exec", "execs", "/etc")).exitCode, 126);
      assert.match(await bench.says("top", "execs"), /sleep/);
      await bench.says("rm", "--force", "execs");
    },
  },

  {
    title: "gives a terminal of the caller's size",
    async run(bench) {
      const { host, command } = bench.engine;
      const program = `tty; ${HAS_SIZE}; echo sized; exit 4`;
      const started = await host.callInTerminal(bench.run(["--rm", "--interactive", "--tty"], program));
      assert.deepEqual(started, { exitCode: 4, stdout: "/dev/pts/0\nsized\n" });
      await bench.starts("terminal");
      const executed = await host.callInTerminal(command("exec", "-it", "terminal", "sh", "-c", program));
      assert.deepEqual(executed, { exitCode: 4, stdout: "/dev/pts/0\nsized\n" });
      await bench.says("rm", "--force", "terminal");
    },
  },

  {
    title: "stops, starts again, restarts and kills",
    async run(bench) {
      await bench.starts("lives");
      await bench.says("kill", "--signal=USR1", "lives");
      await bench.logsHave("lives", "usr1");
      assert.equal(await bench.inspects("lives", "{{.State.Status}}"), "running");
      await bench.says("stop", "--time=60", "lives");
      assert.equal(await bench.inspects("lives", "{{.State.Status}} {{.State.ExitCode}}"), "exited 5");
      await bench.says("start", "lives");
      const pid = await bench.inspects("lives", "{{.State.Pid}}");
      await bench.says("restart", "--time=60", "lives");
      assert.notEqual(await bench.inspects("lives", "{{.State.Pid}}"), pid);
      await bench.says("kill", "lives");
      assert.equal(await bench.says("wait", "lives"), "137");
      await bench.says("rm", "lives");
    },
  },

  {
    title: "attaches to what runs",
    async run(bench) {
      const { host, command } = bench.engine;
      await bench.starts("attached", ["--interactive"], "echo ready; read line; echo heard $line; exit 6");
      const attached = await host.call(command("attach", "attached"), { input: "word\n", inputStaysOpen: true });
      assert.match(attached.stdout, /^heard word\n/);
      assert.equal(await bench.says("wait", "attached"), "6");
      const start = command("start", "--attach", "--interactive", "attached");
      const again = await host.call(start, { input: "other\n", inputStaysOpen: true });
      assert.deepEqual([again.exitCode, again.stdout], [6, "ready\nheard other\n"]);
      assert.equal(await bench.says("logs", "attached"), "ready\nheard word\nready\nheard other");
      await bench.says("rm", "attached");
    },
  },

  {
    title: "pauses, limits and measures",
    needsCgroups: true,
    async run(bench) {
      await bench.starts("limited", ["--memory=64m", "--pids-limit=50", "--cpus=0.5"]);
      const stats = await bench.says("stats", "--no-stream", "--format={{.MemUsage}}", "limited");
      assert.match(stats, /\/ (67\.11MB|64MiB)$/);
      await bench.says("pause", "limited");
      assert.equal(await bench.inspects("limited", "{{.State.Status}}"), "paused");
      assert.notEqual((await bench.call("exec", "limited", "true")).exitCode, 0);
      await bench.says("unpause", "limited");
      await bench.says("update", "--cpus=0.25", "--memory=48m", "--memory-swap=48m", "limited");
      const limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max";
      assert.equal(await bench.says("exec", "limited", "sh", "-c", `(${limit}) 2>/dev/null`), String(48 << 20));
      await bench.says("rm", "--force", "limited");
      const killed = await bench.runs(["--memory=16m", "--memory-swap=16m"], "exec tail /dev/zero");
      assert.equal(killed.exitCode, 137);
    },
  },

  {
    title: "sets up the program's surroundings",
    async run(bench) {
      const { directory } = bench.engine.host;
      const options = [
        ...["--read-only", "--tmpfs=/t:size=1m", `--volume=${directory}:/v:ro`, "--hostname=named"],
        ...["--cap-drop=all", "--cap-add=net_bind_service", "--security-opt=no-new-privileges"],
        ...["--user=1000:1000", "--group-add=2000", "--device=/dev/zero:/dev/nothing", "--workdir=/tmp"],
        ...["--sysctl=net.ipv4.ping_group_range=0 0", "--shm-size=1m"],
      ];
      const script = [
        "hostname; id; pwd",
        "touch /x 2>/dev/null || echo read-only",
        "touch /t/x && echo writable",
        "[ -e /v/image.tar ] && ! touch /v/x 2>/dev/null && echo volume",
        "grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status",
        "head -c 3 /dev/nothing | wc -c",
        "cat /proc/sys/net/ipv4/ping_group_range",
        "df -k /dev/shm | tail -1 | sed 's/ \\+/ /g' | cut -d' ' -f2",
      ].join("; ");
      assert.deepEqual((await bench.prints(options, script)).split("\n"), [
        ...["named", "uid=1000(somebody) gid=1000(somebody) groups=1000(somebody),2000(extra)", "/tmp"],
        ...["read-only", "writable", "volume"],
        ...["CapBnd:\t0000000000000400", "NoNewPrivs:\t1", "Seccomp:\t2"],
        ...["3", "0\t0", "1024"],
      ]);
    },
  },

  {
    title: "shares namespaces with the host and with another container",
    async run(bench) {
      const { host, init } = bench.engine;
      for (const kind of ["net", "pid"]) {
        const path = `/proc/self/ns/${kind}`;
        const options = [kind === "net" ? "--network=host" : "--pid=host"];
        assert.equal(await bench.prints(options, `readlink ${path}`), (await host.succeeds(["readlink", path])).trim());
      }
      await bench.starts("shared", ["--init"], "echo ready; sleep 1000");
      const links = "readlink /proc/self/ns/net; readlink /proc/self/ns/pid";
      const own = await bench.says("exec", "shared", "sh", "-c", links);
      const options = ["--network=container:shared", "--pid=container:shared"];
      assert.equal(await bench.prints(options, links), own);
      assert.equal(await bench.prints(options, "cat /proc/1/comm"), init);
      await bench.says("rm", "--force", "shared");
    },
  },
];

const LEAVES_NOTHING: EngineCase = {
  title: "leaves nothing behind",
  async run(bench) {
    assert.equal(await bench.says("ps", "--all", "--quiet"), "");
    const { host, roots, staying } = bench.engine;
    await host.untilClean(roots, staying);
  },
};

/** Everything that users do with an engine, through our runtime, and what only this one can do. */
export function engineSuite(
  title: string,
  obstacle: string | undefined,
  start: () => Promise<Engine>,
  more: readonly EngineCase[],
): void {
  suite(title, () => {
    let bench: EngineBench;
    before(async () => {
      if (obstacle === undefined) bench = new EngineBench(await start());
    });
    after(async () => {
      await bench?.engine.host[Symbol.asyncDispose]();
    });
    for (const each of [...CASES, ...more, LEAVES_NOTHING]) {
      test(each.title, { skip: obstacle ?? false }, (t) => {
        if (each.needsCgroups === true && !bench.engine.hasCgroups)
          return t.skip("an ordinary user has no cgroups here");
        return each.run(bench);
      });
    }
  });
}
