import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  busyboxObstacle,
  DockerRegistry,
  dockerRegistryObstacle,
  LayoutWriter,
  makeBusyboxRootfs,
  until,
} from "@orlop/testkit";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { SystemdCalls, type TestedSystemd } from "../e2e/systemd-calls-fixture.ts";

/** Ends well when it is told to: of what ignores SIGTERM until it is killed, systemd says that it has failed. */
const CONTAINER = `[Unit]
StartLimitIntervalSec=0
[Container]
ContainerName=quadlet-app
Image=host
Volume=quadlet-data.volume:/data
Network=quadlet-net.network
Exec=sh -c 'echo "run $$((\`cat /data/runs 2>/dev/null\`+1))" >>/data/log; wc -l </data/log >/data/runs; echo begun \`cat /data/runs\`; trap "exit 0" TERM; sleep 1000 & wait'
[Service]
Restart=on-failure
RestartSec=0
`;

const FILES: Readonly<Record<string, string>> = {
  "quadlet-app.container": CONTAINER,
  "quadlet-data.volume": "[Volume]\n",
  "quadlet-net.network": "[Network]\nInternal=true\n",
  "quadlet-kube.kube": "[Kube]\nYaml=kube.yaml\n",
  "kube.yaml":
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"quadlet-k"},' +
    '"spec":{"containers":[{"name":"c","image":"host","command":["sleep","1000"]}]}}',
  "quadlet-pair.pod": "[Pod]\nPodName=quadlet-pair\n",
  "quadlet-one.container":
    "[Container]\nContainerName=quadlet-one\nImage=host\nPod=quadlet-pair.pod\nExec=sleep 1000\n",
};

const SERVICES: readonly string[] = [
  "app",
  "one",
  "boxed",
  "kube",
  "pair-pod",
  "data-volume",
  "net-network",
  "box-image",
].map((name) => `quadlet-${name}`);

/** Does something while systemd has the services of unit files, and takes everything back. */
type Started = (
  work: (call: SystemdCalls, fixture: CommandFixture) => Promise<void>,
  files?: Readonly<Record<string, string>>,
) => Promise<void>;

function starter(systemd: TestedSystemd): Started {
  const { flags, directory, env } = systemd;
  return async (work, files = FILES) => {
    using fixture = new CommandFixture(env);
    const call = new SystemdCalls(fixture, systemd);
    const units = join(fixture.directory, "units");
    mkdirSync(units);
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(units, name), text);
    const write = async (): Promise<void> => {
      await call.orlop("quadlet", "--from", units, directory);
      await call.systemctl("daemon-reload");
    };
    try {
      await write();
      await work(call, fixture);
    } finally {
      for (const name of SERVICES) {
        await fixture.start("systemctl", [...flags, "stop", `${name}.service`]);
      }
      for (const name of readdirSync(units)) rmSync(join(units, name));
      await write();
      await fixture.orlop(["rm", "-af"]);
    }
    assert.equal(await call.property("quadlet-app", "LoadState"), "not-found");
  };
}

/** Services of unit files, run by systemd itself. */
export function servicesSuite(title: string, systemd: TestedSystemd): void {
  describe(title, { skip: systemd.obstacle ?? false }, () => {
    const started = starter(systemd);

    test("run containers, start those again that fail, and leave nothing when they are stopped", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-app.service");
        assert.equal(await call.property("quadlet-app", "ActiveState"), "active");
        assert.equal(await call.property("quadlet-data-volume", "ActiveState"), "active");
        assert.equal(await call.property("quadlet-net-network", "ActiveState"), "active");
        const says = async (text: string): Promise<void> =>
          await until(text, async () => (await call.journal("quadlet-app")).includes(text));
        await says("begun 1");
        await call.orlop("kill", "quadlet-app");
        await says("begun 2");
        assert.equal(await call.property("quadlet-app", "NRestarts"), "1");
        await call.systemctl("stop", "quadlet-app.service");
        assert.equal(await call.property("quadlet-app", "ActiveState"), "inactive");
        assert.equal(await call.orlop("ps", "-aq"), "");
        assert.match(await call.orlop("volume", "ls", "-q"), /^systemd-quadlet-data$/m);
        await call.orlop("network", "rm", "systemd-quadlet-net");
      }));

    test("play documents of Kubernetes, and take them back", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-kube.service");
        assert.equal(await call.orlop("ps", "--format", "{{.Names}}"), "quadlet-k-c");
        await call.systemctl("stop", "quadlet-kube.service");
        assert.equal(await call.orlop("ps", "-aq"), "");
        assert.equal(await call.orlop("pod", "ps", "-q"), "");
      }));

    test("make pods, whose containers go with them", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-pair-pod.service");
        await until("the container of the pod", async () =>
          (await call.orlop("ps", "--format", "{{.Names}}")).includes("quadlet-one"),
        );
        assert.equal(await call.property("quadlet-one", "ActiveState"), "active");
        await call.systemctl("stop", "quadlet-pair-pod.service");
        await until("its end", async () => (await call.orlop("ps", "-aq")) === "");
        assert.equal(await call.orlop("pod", "ps", "-q"), "");
      }));

    imageTest(started);
  });
}

function imageTest(started: Started): void {
  test("pull images that containers begin with", {
    skip: busyboxObstacle() ?? dockerRegistryObstacle() ?? false,
  }, async () => {
    await using registry = await DockerRegistry.start();
    const image = `${registry.host}/box:1`;
    const files = {
      "quadlet-box.image": `[Image]\nImage=${image}\n`,
      "quadlet-boxed.container": "[Container]\nImage=quadlet-box.image\nExec=sh -c 'cat /told; exec sleep 1000'\n",
    };
    await started(async (call, fixture) => {
      await pushBox(fixture, image);
      assert.equal(await call.orlop("images", "-q"), "");
      await call.systemctl("start", "quadlet-boxed.service");
      assert.equal(await call.property("quadlet-box-image", "ActiveState"), "active");
      assert.equal(await call.orlop("images", "--format", "{{.Repository}}:{{.Tag}}"), image);
      await until("its output", async () => (await call.journal("quadlet-boxed")).includes("told by the image"));
      await call.systemctl("stop", "quadlet-boxed.service");
      assert.equal(await call.orlop("ps", "-aq"), "");
    }, files);
  });
}

/** Into a registry, from images that are nobody else's. */
async function pushBox(fixture: CommandFixture, image: string): Promise<void> {
  const rootfs = join(fixture.directory, "rootfs");
  makeBusyboxRootfs(rootfs);
  writeFileSync(join(rootfs, "told"), "told by the image\n");
  const layout = new LayoutWriter(join(fixture.directory, "layout"));
  const tar = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  layout.publish([layout.manifest({ layers: [{ tar }], config: { Env: ["PATH=/bin"] } })]);
  const env = { ORLOP_ROOT: join(fixture.directory, "pushed") };
  const orlop = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await fixture.orlop(args, { env });
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  await orlop("tag", await orlop("pull", "-q", `oci:${layout.directory}`), image);
  await orlop("push", "-q", image);
}
