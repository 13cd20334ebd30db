import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { until } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "../e2e/command-fixture.ts";

/** Whose systemd it is. */
interface Systemd {
  /** Between `systemctl` and what it is to do. */
  readonly flags: readonly string[];
  /** Where it finds services that are gone after a start of the machine. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Why it is not there. */
  readonly obstacle: string | undefined;
}

const CONTAINER = `[Unit]
StartLimitIntervalSec=0
[Container]
ContainerName=quadlet-app
Image=host
Volume=quadlet-data.volume:/data
Network=quadlet-net.network
Exec=sh -c 'echo "run $$((\`cat /data/runs 2>/dev/null\`+1))" >>/data/log; wc -l </data/log >/data/runs; echo begun \`cat /data/runs\`; exec sleep 1000'
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

const SERVICES: readonly string[] = ["app", "one", "kube", "pair-pod", "data-volume", "net-network"].map(
  (name) => `quadlet-${name}`,
);

/** Services of unit files, run by systemd itself. */
export function servicesSuite(title: string, { flags, directory, env, obstacle }: Systemd): void {
  describe(title, { skip: obstacle ?? false }, () => {
    const started = async (work: (call: Call) => Promise<void>): Promise<void> => {
      using fixture = new CommandFixture(env);
      const call = new Call(fixture, flags);
      const units = join(fixture.directory, "units");
      mkdirSync(units);
      mkdirSync(directory, { recursive: true });
      for (const [name, text] of Object.entries(FILES)) writeFileSync(join(units, name), text);
      const write = async (): Promise<void> => {
        await call.ok(LAUNCHER, "quadlet", "--from", units, directory);
        await call.systemctl("daemon-reload");
      };
      try {
        await write();
        await work(call);
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

    test("run containers, start those again that fail, and leave nothing when they are stopped", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-app.service");
        assert.equal(await call.property("quadlet-app", "ActiveState"), "active");
        assert.equal(await call.property("quadlet-data-volume", "ActiveState"), "active");
        assert.equal(await call.property("quadlet-net-network", "ActiveState"), "active");
        const says = async (text: string): Promise<void> =>
          await until(text, async () => (await call.journal("quadlet-app")).includes(text));
        await says("begun 1");
        await call.ok(LAUNCHER, "kill", "quadlet-app");
        await says("begun 2");
        assert.equal(await call.property("quadlet-app", "NRestarts"), "1");
        await call.systemctl("stop", "quadlet-app.service");
        assert.equal(await call.property("quadlet-app", "ActiveState"), "inactive");
        assert.equal(await call.ok(LAUNCHER, "ps", "-aq"), "");
        assert.match(await call.ok(LAUNCHER, "volume", "ls", "-q"), /^systemd-quadlet-data$/m);
        await call.ok(LAUNCHER, "network", "rm", "systemd-quadlet-net");
      }));

    test("play documents of Kubernetes, and take them back", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-kube.service");
        assert.equal(await call.ok(LAUNCHER, "ps", "--format", "{{.Names}}"), "quadlet-k-c");
        await call.systemctl("stop", "quadlet-kube.service");
        assert.equal(await call.ok(LAUNCHER, "ps", "-aq"), "");
        assert.equal(await call.ok(LAUNCHER, "pod", "ps", "-q"), "");
      }));

    test("make pods, whose containers go with them", () =>
      started(async (call) => {
        await call.systemctl("start", "quadlet-pair-pod.service");
        await until("the container of the pod", async () =>
          (await call.ok(LAUNCHER, "ps", "--format", "{{.Names}}")).includes("quadlet-one"),
        );
        assert.equal(await call.property("quadlet-one", "ActiveState"), "active");
        await call.systemctl("stop", "quadlet-pair-pod.service");
        await until("its end", async () => (await call.ok(LAUNCHER, "ps", "-aq")) === "");
        assert.equal(await call.ok(LAUNCHER, "pod", "ps", "-q"), "");
      }));
  });
}

class Call {
  readonly #fixture: CommandFixture;
  readonly #flags: readonly string[];

  constructor(fixture: CommandFixture, flags: readonly string[]) {
    this.#fixture = fixture;
    this.#flags = flags;
  }

  async ok(program: string, ...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr }: CommandResult = await this.#fixture.start(program, args);
    assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  async systemctl(...words: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.#fixture.start("systemctl", [...this.#flags, ...words]);
    if (exitCode === 0) return;
    const unit = words[1];
    const log = unit === undefined ? "" : await this.journal(unit.replace(/\.service$/, ""));
    assert.fail(`systemctl ${words.join(" ")}: ${stderr}${log}`);
  }

  async property(service: string, name: string): Promise<string> {
    return await this.ok("systemctl", ...this.#flags, "show", "--value", `--property=${name}`, `${service}.service`);
  }

  /** Of this start of the machine. */
  async journal(service: string): Promise<string> {
    const unit = this.#flags.includes("--user") ? "--user-unit" : "--unit";
    const { stdout } = await this.#fixture.start("journalctl", [
      "--boot",
      "--output=cat",
      `${unit}=${service}.service`,
    ]);
    return stdout;
  }
}
