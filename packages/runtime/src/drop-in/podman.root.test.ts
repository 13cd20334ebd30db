import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ClientHost, until } from "@orlop/testkit";
import { UNTIL_TERM } from "./client-scripts-fixture.ts";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import type { Engine } from "./engine-bench-fixture.ts";
import { engineSuite } from "./engine-suite-fixture.ts";
import { IMAGE, writeImageArchive } from "./image-archive-fixture.ts";
import { PODMAN, PODMAN_PROGRAMS, writePodmanConfiguration } from "./podman-configuration-fixture.ts";

async function startPodman(): Promise<Engine> {
  const host = await ClientHost.start("podman", { runtime: orlopOciCommand() });
  const env = ["env", `CONTAINERS_CONF=${writePodmanConfiguration(host.directory)}`];
  const command = (...args: readonly string[]) => [...env, ...PODMAN, ...args];
  await host.succeeds(command("load", "--input", writeImageArchive(host.directory)));
  return {
    host,
    command,
    runOptions: [`--cgroup-parent=/${host.mark}`],
    init: "podman-init",
    hasCgroups: true,
    execNotFound: 127,
    roots: ["/run/orlop-oci"],
    staying: [],
  };
}

engineSuite("podman", clientObstacle(PODMAN_PROGRAMS), startPodman, [
  {
    title: "hands descriptors on",
    async run(bench) {
      const { host, command } = bench.engine;
      const program = "cat <&3; head -c 2 <&4 | wc -c";
      const withDescriptors = (argv: readonly string[]) =>
        host.succeeds(["sh", "-c", 'exec 3<"$1" 4</dev/zero; shift; exec "$@"', "sh", "/proc/version", ...argv]);
      const version = readFileSync("/proc/version", "utf8");
      const run = bench.run(["--rm", "--preserve-fds=2"], program);
      assert.equal(await withDescriptors(run), `${version}2\n`);
      await bench.starts("descriptors");
      const exec = command("exec", "--preserve-fds=2", "descriptors", "sh", "-c", program);
      assert.equal(await withDescriptors(exec), `${version}2\n`);
      await bench.says("rm", "--force", "descriptors");
    },
  },

  {
    title: "checks the health of a container",
    async run(bench) {
      await bench.starts("healthy", ["--health-cmd=test -e /healthy", "--health-interval=disable"]);
      assert.equal((await bench.call("healthcheck", "run", "healthy")).exitCode, 1);
      await bench.says("exec", "healthy", "touch", "/healthy");
      assert.equal((await bench.call("healthcheck", "run", "healthy")).exitCode, 0);
      await bench.says("rm", "--force", "healthy");
    },
  },

  {
    title: "puts containers of a pod into the same namespaces",
    async run(bench) {
      const { runOptions } = bench.engine;
      const infra = [`--infra-image=${IMAGE}`, "--infra-command=sleep 1000", "--network=none"];
      await bench.says("pod", "create", "--name=pod", ...runOptions, ...infra);
      const links = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts";
      await bench.says("run", "--detach", "--pod=pod", "--name=first", IMAGE, "sleep", "1000");
      const first = await bench.says("exec", "first", "sh", "-c", links);
      assert.equal(await bench.says("run", "--rm", "--pod=pod", IMAGE, "sh", "-c", links), first);
      assert.match(await bench.says("pod", "ps", "--format={{.Name}} {{.Status}}"), /^pod Running$/);
      await bench.says("pod", "kill", "pod");
      await bench.says("pod", "rm", "--force", "pod");
    },
  },

  {
    title: "maps users",
    async run(bench) {
      const options = ["--uidmap=0:100000:65536", "--read-only"];
      const script = "cat /proc/self/uid_map; stat -c %u /bin/busybox; touch /tmp/x; stat -c %u /tmp/x; id -u";
      const lines = (await bench.prints(options, script)).split("\n").map((line) => line.trim().split(/ +/));
      assert.deepEqual(lines, [["0", "100000", "65536"], ["0"], ["0"], ["0"]]);
      const user = [...options, "--user=somebody"];
      assert.equal(await bench.prints(user, "id -u; touch /tmp/x && stat -c %u /tmp/x"), "1000\n1000");
    },
  },

  {
    title: "passes signals of the client on",
    async run(bench) {
      const { host } = bench.engine;
      const argv = bench.run(["--rm", "--name=signalled"], UNTIL_TERM);
      const script = '"$@" & client=$!; read line; kill -TERM $client; wait $client; echo ended $?';
      const fifo = join(host.directory, "signal");
      const call = host.succeeds(["sh", "-c", `mkfifo ${fifo}; exec 0<>${fifo}; ${script}`, "sh", ...argv]);
      await bench.logsHave("signalled", "ready");
      // A client that has not noted yet that the container runs takes a signal for its own, and ends.
      const isNoted = async () => (await bench.inspects("signalled", "{{.State.Status}}")) === "running";
      await until("the client has noted that it runs", isNoted);
      await host.succeeds(["sh", "-c", `echo now >${fifo}`]);
      assert.match(await call, /ended 5\n$/);
    },
  },
]);
