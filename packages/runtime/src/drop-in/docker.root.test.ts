import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClientHost, type Daemon, until, untilNothing } from "@orlop/testkit";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import { documentedBlock } from "./documented-block-fixture.ts";
import type { Engine, EngineBench } from "./engine-bench-fixture.ts";
import { engineSuite } from "./engine-suite-fixture.ts";
import { writeImageArchive } from "./image-archive-fixture.ts";

let dockerd: Daemon;

function startDockerd(host: ClientHost): Daemon {
  return host.daemon("dockerd", ["dockerd", "--config-file", join(host.directory, "daemon.json")]);
}

async function untilItAnswers({ host, command }: Pick<Engine, "host" | "command">): Promise<void> {
  await until("an answer of dockerd", async () => (await host.call(command("version"))).exitCode === 0);
}

async function startDocker(): Promise<Engine> {
  const host = await ClientHost.start("docker", { runtime: orlopOciCommand() });
  const configuration = {
    ...(JSON.parse(documentedBlock("docker", "json")) as object),
    "live-restore": true,
    "cgroup-parent": `/${host.mark}`,
    // Nothing here is about networks.
    ...{ bridge: "none", iptables: false, ip6tables: false },
  };
  writeFileSync(join(host.directory, "daemon.json"), JSON.stringify(configuration));
  const clientDirectory = join(host.directory, "client");
  mkdirSync(clientDirectory);
  const command = (...args: readonly string[]) => ["docker", "--config", clientDirectory, ...args];
  dockerd = startDockerd(host);
  await untilItAnswers({ host, command });
  await host.succeeds(command("load", "--input", writeImageArchive(host.directory)));
  return {
    host,
    command,
    runOptions: [],
    init: "docker-init",
    hasCgroups: true,
    // Of a client of this age, whatever the runtime.
    execNotFound: 126,
    roots: ["/run/docker/runtime-runc/moby"],
    staying: ["dockerd", "containerd --config", "/run/docker/netns/default"],
  };
}

engineSuite(
  "docker",
  clientObstacle({ dockerd: "docker.io", docker: "docker.io", containerd: "containerd", "docker-init": "tini" }),
  startDocker,
  [
    {
      title: "uses the runtime of the configuration",
      async run(bench) {
        assert.equal(await bench.says("info", "--format={{.DefaultRuntime}}"), "orlop-oci");
      },
    },

    {
      title: "checks the health of a container",
      async run(bench) {
        await bench.starts("healthy", [
          "--health-cmd=test -e /healthy",
          "--health-interval=100ms",
          "--health-retries=1",
        ]);
        const has = async (health: string): Promise<void> => {
          const look = async () => (await bench.inspects("healthy", "{{.State.Health.Status}}")) === health;
          await until(health, look);
        };
        await has("unhealthy");
        await bench.says("exec", "healthy", "touch", "/healthy");
        await has("healthy");
        await bench.says("rm", "--force", "healthy");
      },
    },

    ...(["SIGTERM", "SIGKILL"] as const).map((signal) => ({
      title: `leaves containers running while the daemon is ended by ${signal} and started again`,
      async run(bench: EngineBench) {
        const { engine } = bench;
        await bench.starts("lasting", ["--restart=no"]);
        const pid = await bench.inspects("lasting", "{{.State.Pid}}");
        await dockerd.end(signal);
        // Its containerd, too: the shim alone stays.
        await untilNothing("containerd", () =>
          engine.host.processes().filter((each) => / containerd --config/.test(each)),
        );
        await engine.host.succeeds(["kill", "-USR1", pid]);
        dockerd = startDockerd(engine.host);
        await untilItAnswers(engine);
        assert.equal(await bench.inspects("lasting", "{{.State.Status}} {{.State.Pid}}"), `running ${pid}`);
        await bench.logsHave("lasting", "usr1");
        assert.equal(await bench.says("exec", "lasting", "echo", "still"), "still");
        await bench.says("stop", "--time=60", "lasting");
        assert.equal(await bench.inspects("lasting", "{{.State.ExitCode}}"), "5");
        await bench.says("rm", "lasting");
      },
    })),
  ],
);
