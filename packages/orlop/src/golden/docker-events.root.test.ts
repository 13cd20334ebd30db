import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxObstacle, ClientHost, makeBusyboxRootfs, until } from "@orlop/testkit";
import { LAUNCHER } from "../e2e/command-fixture.ts";

/** Debian's names of what the test calls. */
const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  ip: "iproute2",
  dockerd: "docker.io",
  docker: "docker.io",
  containerd: "containerd",
  runc: "runc",
};

const IMAGE = "example.org/busybox:1";

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = Object.entries(PACKAGES).find(([program]) => !isInstalled(program));
  if (missing === undefined) return busyboxObstacle();
  return `needs ${missing[0]} (Debian: apt-get install --no-install-recommends ${missing[1]})`;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface ToldEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

type Story = readonly (readonly string[])[];

/** Each is a story of its own, whose containers are gone at its end. */
const STORIES: Readonly<Record<string, Story>> = {
  "of a container that goes with its end": [
    ["run", "--rm", "--network=none", "--name=gone", IMAGE, "sh", "-c", "exit 3"],
  ],
  "of one that cannot be started": [["run", "--rm", "--network=none", "--name=never", IMAGE, "/nonexistent"]],
  "of one on a network": [["run", "--rm", "--network=lan", "--name=there", IMAGE, "true"]],
  "of one that stays, and is removed by force": [
    ["run", "-d", "--network=lan", "--name=web", IMAGE, "sleep", "1000"],
    ["exec", "web", "sh", "-c", "exit 4"],
    ["pause", "web"],
    ["unpause", "web"],
    ["rename", "web", "site"],
    ["update", "--pids-limit=50", "site"],
    ["kill", "-s", "CONT", "site"],
    ["top", "site"],
    ["cp", "site:/bin/busybox", "busybox"],
    ["cp", "busybox", "site:/busybox"],
    ["restart", "-t", "1", "site"],
    ["stop", "-t", "1", "site"],
    ["start", "site"],
    ["rm", "-f", "site"],
  ],
  "of one that goes with its end and is removed by force": [
    ["run", "-d", "--rm", "--network=lan", "--name=short", IMAGE, "sleep", "1000"],
    ["rm", "-f", "short"],
  ],
  "of one in the foreground, which is started again": [
    ["run", "--network=none", "--name=twice", IMAGE, "true"],
    ["start", "-a", "twice"],
    ["rm", "twice"],
  ],
  "of one with a volume": [
    ["run", "--rm", "--network=none", "--name=kept", "-v", "data:/data:ro", IMAGE, "true"],
    ["volume", "rm", "data"],
  ],
  "of one that is never started": [
    ["create", "--network=none", "--name=idle", IMAGE, "true"],
    ["export", "-o", "idle.tar", "idle"],
    ["commit", "-m", "so far", "idle", "made:1"],
    ["rm", "idle"],
  ],
};

/** How an event reads, without what is another one's each time. */
function told({ Type, Action, Actor: { Attributes } }: ToldEvent): string {
  const attributes = Object.entries(Attributes).map(([name, value]) =>
    ["container", "execID", "imageID"].includes(name) ? `${name}=...` : `${name}=${value}`,
  );
  return `${Type} ${Action} ${attributes.sort().join(" ")}`;
}

describe("events are told as docker tells them", { skip: obstacle() ?? false }, () => {
  let host: ClientHost;
  let docker: readonly string[];
  let orlop: readonly string[];

  before(async () => {
    host = await ClientHost.start("events");
    const { directory } = host;
    for (const name of ["root", "tree", "client"]) mkdirSync(join(directory, name));
    makeBusyboxRootfs(join(directory, "tree"));
    const archive = join(directory, "tree.tar");
    execFileSync("tar", ["--create", "--file", archive, "--directory", join(directory, "tree"), "."]);
    const nothing = { bridge: "none", iptables: false, ip6tables: false, "storage-driver": "vfs" };
    const places = {
      "data-root": join(directory, "data"),
      "exec-root": "/run/docker",
      pidfile: join(directory, "pid"),
    };
    const hosts = [`unix://${directory}/docker.sock`];
    const file = join(directory, "daemon.json");
    writeFileSync(file, JSON.stringify({ ...nothing, ...places, hosts, "cgroup-parent": `/${host.mark}` }));
    host.daemon("dockerd", ["dockerd", "--config-file", file]);
    docker = ["docker", "--config", join(directory, "client"), `--host=${hosts[0]}`];
    orlop = ["env", `ORLOP_ROOT=${directory}/root`, LAUNCHER];
    await until("an answer of dockerd", async () => (await host.call([...docker, "version"])).exitCode === 0);
    for (const client of [docker, orlop]) {
      await host.succeeds([...client, "import", archive, IMAGE]);
      await host.succeeds([...client, "network", "create", "lan"]);
    }
  });

  after(async () => {
    for (const client of [docker, orlop]) await host.call([...client, "network", "rm", "lan"]);
    await host[Symbol.asyncDispose]();
  });

  async function tellOf(client: readonly string[], story: Story): Promise<readonly string[]> {
    const sinceMs = Date.now();
    for (const words of story)
      await host.call(["sh", "-c", `cd ${host.directory}; exec "$@"`, "sh", ...client, ...words]);
    const times = [`--since=${(sinceMs / 1000).toFixed(3)}`, `--until=${(Date.now() / 1000 + 0.01).toFixed(3)}`];
    const text = await host.succeeds([...client, "events", "--format={{json .}}", ...times]);
    const events = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as ToldEvent);
    return events.map(told).filter((line) => !isDockersOwn(line));
  }

  async function isSame(): Promise<void> {
    for (const [title, story] of Object.entries(STORIES)) {
      assert.deepEqual(await tellOf(orlop, story), await tellOf(docker, story), title);
    }
  }

  test("without a daemon of ours", async () => await isSame());

  test("with one", async () => {
    const daemon = host.daemon("orlop", [...orlop, "serve", "engine"]);
    const answers = async (): Promise<boolean> =>
      /Serving/.test((await host.call(["cat", `${host.directory}/orlop.log`])).stdout);
    await until("a daemon of ours", answers);
    await isSame();
    await daemon.end("SIGTERM");
  });
});

/** With `none`, ours connects nothing. */
function isDockersOwn(line: string): boolean {
  return /^network (dis)?connect .*name=none /.test(line);
}
