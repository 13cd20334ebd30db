import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { until } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "../e2e/command-fixture.ts";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";

const skip = process.getuid?.() === 0 ? await dockerClientObstacle() : "needs root";

interface NetworkDocument {
  readonly Id: string;
  readonly Name: string;
}

describe("what docker's client prints of what runs and is connected, ours prints", { skip }, () => {
  let fixture: CommandFixture;
  /** A machine of its own, as far as the network goes. */
  let machine: ChildProcess;
  let networks: readonly NetworkDocument[];

  const orlop = (...args: readonly string[]): Promise<CommandResult> =>
    fixture.start("nsenter", [`--net=/proc/${machine.pid}/ns/net`, "--", LAUNCHER, ...args]);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await orlop(...args);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  /** Both print the same, docker's client with these answers of its daemon's. */
  const same = async (answers: Readonly<Record<string, unknown>>, ...args: readonly string[]): Promise<void> => {
    await using docker = await DockerClient.start(answers);
    const [theirs, ours] = await Promise.all([docker.run(...args), orlop(...args)]);
    assert.equal(ours.stdout, theirs.stdout, args.join(" "));
    assert.equal(ours.exitCode, theirs.status, ours.stderr);
  };

  before(async () => {
    fixture = new CommandFixture({ TZ: "UTC" });
    machine = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
    const own = readFileSync("/proc/self/comm", "utf8");
    await until("a machine of its own", async () => {
      const comm = readFileSync(`/proc/${machine.pid}/comm`, "utf8");
      return comm !== own && comm === "sleep\n";
    });
    await ok("network", "create", "--subnet", "10.99.0.0/24", "--label", "team=a", "lan");
    await ok("network", "create", "--internal", "--subnet", "10.98.0.0/24", "--subnet", "fd98::/64", "deep");
    const write = "echo one; echo two >&2; exec sleep 1000";
    await ok("run", "-d", "--name", "web", "--network", "lan", "host", "sh", "-c", write);
    await until("what it does first", async () => (await ok("top", "web")).includes("sleep 1000"));
    const names = (await ok("network", "ls", "--format", "{{.Name}}")).trim().split("\n");
    networks = JSON.parse(await ok("network", "inspect", ...names)) as readonly NetworkDocument[];
  });

  after(async () => {
    await orlop("rm", "-af");
    await orlop("network", "prune", "-f");
    machine.kill();
    fixture[Symbol.dispose]();
  });

  test("in lists of networks", async () => {
    // Docker's daemon sorts by what it likes, and its client by name.
    const all = { "/networks": networks };
    for (const args of [
      [],
      ["--no-trunc"],
      ["-q"],
      ["--format", "json"],
      ["--format", "table {{.ID}}\t{{.Name}}\t{{.Labels}}\t{{.Internal}}\t{{.IPv4}}\t{{.IPv6}}"],
      ["--format", '{{.Name}} {{.Driver}} {{.Scope}} {{.CreatedAt}} {{.Label "team"}}'],
    ]) {
      await same(all, "network", "ls", ...args);
    }
    const lan = { "/networks": networks.filter(({ Name }) => Name === "lan") };
    for (const filter of ["name=lan", "label=team", "label=team=a"]) {
      await same(lan, "network", "ls", "--filter", filter);
    }
  });

  test("where networks are looked into", async () => {
    const byName = Object.fromEntries(networks.map((network) => [`/networks/${network.Name}`, network]));
    await same(byName, "network", "inspect", "lan");
    await same(byName, "network", "inspect", "deep", "bridge");
    await same(byName, "network", "inspect", "-f", "{{.Name}}{{range .IPAM.Config}} {{.Subnet}}{{end}}", "deep");
    await same(byName, "network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}", "lan");
    const missing = { "/networks/nobody": { status: 404, message: "network nobody not found" } };
    await same(missing, "network", "inspect", "nobody");
    await same(missing, "network", "rm", "nobody");
  });

  test("and prunes networks and volumes that filters suit, and no others", async () => {
    for (const name of ["old", "new"]) {
      await ok("network", "create", "--label", `age=${name}`, `net-${name}`);
      await ok("volume", "create", "--label", `age=${name}`, `vol-${name}`);
    }
    const prune = async (kind: string, ...flags: readonly string[]): Promise<string> =>
      await ok(kind, "prune", "-f", ...flags);
    assert.equal(await prune("network", "--filter", "until=1h"), "");
    assert.equal(await prune("network", "--filter", "label=age=old"), "Deleted Networks:\nnet-old\n\n");
    assert.equal(
      await prune("network", "--filter", "label!=team", "--filter", "label=age"),
      "Deleted Networks:\nnet-new\n\n",
    );
    assert.match(await prune("volume", "-a", "--filter", "label!=age=new"), /^Deleted Volumes:\nvol-old\n\n/);
    assert.match(await prune("volume", "-a", "--filter", "label=age"), /^Deleted Volumes:\nvol-new\n\n/);
    assert.match((await orlop("network", "prune", "-f", "--filter", "x=1")).stderr, /there are label and until/);
  });

  test("of the processes in a container", async () => {
    const [head = "", ...rows] = (await ok("top", "web")).split("\n").slice(0, -1);
    const columns = (line: string): readonly string[] => line.split(/ {2,}/);
    const answer = { Titles: columns(head), Processes: rows.map(columns) };
    await same({ "/containers/web/top": answer }, "top", "web");
  });

  test("of what it has said", async () => {
    const document = { Id: "0".repeat(64), Name: "/web", Config: { Tty: true } };
    for (const args of [[], ["-t"], ["--tail", "1"], ["-n", "0"]]) {
      const { stdout } = await orlop("logs", ...args, "web");
      const answers = { "/containers/web/json": document, [`/containers/${document.Id}/logs`]: { raw: stdout } };
      await same(answers, "logs", ...args, "web");
    }
    const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n/;
    assert.match(await ok("logs", "-t", "web"), stamp);
  });
});
