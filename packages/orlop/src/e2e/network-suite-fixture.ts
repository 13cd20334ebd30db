import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { until } from "@orlop/testkit";
import { CommandFixture, type CommandOptions, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import { networkUser } from "./network-user-fixture.ts";

/** Prints one line to whoever connects. */
const SERVER = [
  "import socket, sys",
  "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', int(sys.argv[2]))); s.listen()",
  "print('listening', flush=True)",
  "while True: c, _ = s.accept(); c.sendall(sys.argv[1].encode()); c.close()",
].join("\n");
const CLIENT =
  "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print(s.recv(99).decode())";

/** The address that the container's server for names has for a name. */
const LOOK_UP = [
  "import socket, sys",
  "server = [line.split()[1] for line in open('/etc/resolv.conf') if line.startswith('nameserver')][0]",
  "name = b''.join(bytes([len(part)]) + part for part in sys.argv[1].encode().split(b'.'))",
  "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect((server, 53))",
  "s.send(b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + name + b'\\0\\0\\1\\0\\1')",
  "print('.'.join(str(byte) for byte in s.recv(512)[-4:]))",
].join("\n");

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const { skip, stateDirectory, machine: space, enter, outside, beside } = networkUser();

describe("networks", { skip }, () => {
  let fixture: CommandFixture;
  /** A machine of its own, as far as the network goes. */
  let machine: ReturnType<typeof spawn>;
  const starts = new Map<string, number>();

  const inside = (words: readonly string[], options: CommandOptions): Promise<CommandResult> =>
    fixture.start("nsenter", [...enter(machine.pid), "--", ...words], options);
  const within = (...words: readonly string[]): Promise<CommandResult> => inside(words, {});
  const orlop = (...args: readonly string[]): Promise<CommandResult> => within(LAUNCHER, ...args);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await orlop(...args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  /** Resolves when the last run of a server listens. */
  const heard = async (name: string): Promise<void> => {
    let seen = 0;
    const runs = (starts.get(name) ?? 0) + 1;
    starts.set(name, runs);
    await inside([LAUNCHER, "logs", "-f", name], {
      onOutput: (text, child) => {
        seen = text.split("listening").length - 1;
        if (seen === runs) child.kill();
      },
    });
    assert.equal(seen, runs);
  };
  const serve = async (name: string, ...flags: readonly string[]): Promise<void> => {
    await ok(
      "run",
      "-d",
      ...fixture.idFlags(),
      "--name",
      name,
      // No server of the machine is reached from here.
      ...["--dns-option", "timeout:1", "--dns-option", "attempts:1"],
      ...flags,
      "host",
      "python3",
      "-c",
      SERVER,
      `I am ${name}`,
      "80",
    );
    await heard(name);
  };
  const ask = (from: string, host: string, port = 80): Promise<CommandResult> =>
    orlop("exec", from, "python3", "-c", CLIENT, host, String(port));

  const lookUp = (from: string, name: string): Promise<CommandResult> =>
    orlop("exec", from, "python3", "-c", LOOK_UP, name);
  const addressOf = (name: string): Promise<string> =>
    ok("inspect", "-f", "{{.NetworkSettings.Networks.app.IPAddress}}", name);
  /** Those of this test's containers. */
  const namesProcesses = (): readonly number[] =>
    readdirSync("/proc").flatMap((name) => {
      const [words, variables] = ["cmdline", "environ"].map((file) => readIfThere(`/proc/${name}/${file}`).split("\0"));
      const isOurs = variables?.includes(`ORLOP_ROOT=${fixture.store}`) === true;
      return isOurs && words?.includes("_names") === true ? [Number(name)] : [];
    });

  before(async () => {
    fixture = new CommandFixture();
    const address = outside === undefined ? "true" : `ip addr add ${outside.address}/32 dev lo`;
    machine = spawn("unshare", [...space, "sh", "-c", `ip link set lo up && ${address} && echo up && exec sleep 3600`]);
    await new Promise((resolve) => machine.stdout?.once("data", resolve));
  });

  after(async () => {
    machine.kill("SIGKILL");
    fixture[Symbol.dispose]();
  });

  test("containers of one know each other by name, and a port of the machine leads to one", async () => {
    await ok("network", "create", "app");
    await serve("db", "--network", "app", "--network-alias", "store", "-p", "127.0.0.1:18080:80");
    await serve("web", "--network", "app");
    for (const name of ["db", "store"]) assert.equal((await ask("web", name)).stdout, "I am db\n");
    assert.equal((await ask("db", "web")).stdout, "I am web\n", "who was there first knows who came later");
    assert.equal((await within("python3", "-c", CLIENT, "127.0.0.1", "18080")).stdout, "I am db\n");
    assert.equal(await ok("port", "db", "80"), "127.0.0.1:18080");
    assert.match(
      await ok("ps", "--filter", "name=db", "--format", "{{.Ports}} {{.Networks}}"),
      /^127.0.0.1:18080->80\/tcp app$/,
    );
    const taken = await orlop("run", "-d", "--name", "late", "-p", "18080:80", "host", "true");
    assert.equal(taken.exitCode, 125, "a port is given once");
    await ok("rm", "late");
  });

  test("are joined and left while a container runs", async () => {
    await ok("network", "create", "side");
    await serve("lone", "--network", "side");
    assert.notEqual((await ask("lone", "db")).exitCode, 0, "networks are kept apart");
    await ok("network", "connect", "--alias", "guest", "app", "lone");
    assert.equal((await ask("lone", "db")).stdout, "I am db\n");
    assert.equal((await ask("web", "guest")).stdout, "I am lone\n");
    await ok("network", "disconnect", "app", "lone");
    assert.notEqual((await ask("web", "guest")).exitCode, 0);
    const used = await orlop("network", "rm", "side");
    assert.equal(used.exitCode, 1, "one that somebody is on stays");
  });

  test("may be another container's", async () => {
    const { stdout, exitCode, stderr } = await orlop(
      ...[
        "run",
        "--rm",
        ...fixture.idFlags(),
        "--network",
        "container:db",
        "host",
        "python3",
        "-c",
        CLIENT,
        "127.0.0.1",
        "80",
      ],
    );
    assert.deepEqual([exitCode, stdout], [0, "I am db\n"], stderr);
  });

  test("names are answered on one of ours, and whoever does it is started again when it is gone", async () => {
    assert.equal((await lookUp("web", "store.app")).stdout, `${await addressOf("db")}\n`);
    const [pid] = namesProcesses();
    assert.ok(pid !== undefined, "there is one");
    process.kill(pid, "SIGKILL");
    await until("it is gone", async () => !namesProcesses().includes(pid));
    await ok("ps");
    const wanted = `${await addressOf("web")}\n`;
    await until("names are answered", async () => (await lookUp("db", "web.app")).stdout === wanted);
  });

  test("what may be talked to, and what is published, is said and changed while a container runs", async () => {
    const own = await ok("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "app");
    const { address, port } = outside ?? { address: own, port: 80 };
    const here = outside === undefined ? "host-gateway" : address;
    await serve("held", "--network", "app", "--egress", "none", "--add-host", `here:${here}`);
    assert.deepEqual((await ask("held", "db")).stdout, "I am db\n", "neighbours are not concerned");
    const server = spawn("nsenter", [...enter(machine.pid), "python3", "-c", SERVER, "I am here", String(port)]);
    try {
      await new Promise((resolve) => server.stdout.once("data", resolve));
      assert.notEqual((await ask("held", "here", port)).exitCode, 0);
      await ok("update", "--egress", `${address}:${port}`, "--publish-add", "18081:80", "held");
      assert.equal((await ask("held", "here", port)).stdout, "I am here\n");
    } finally {
      server.kill("SIGKILL");
    }
    assert.equal(await ok("inspect", "-f", "{{index .HostConfig.Egress 0}}", "held"), `${address}:${port}/tcp`);
    assert.equal((await within("python3", "-c", CLIENT, "127.0.0.1", "18081")).stdout, "I am held\n");
    await ok("update", "--publish-rm", "80", "held");
    assert.notEqual((await within("python3", "-c", CLIENT, "127.0.0.1", "18081")).exitCode, 0);
    await ok("rm", "-f", "held");
  });

  test("a container has its addresses back after a restart, and others hear of it", async () => {
    await ok("restart", "-t", "0", "db");
    await heard("db");
    assert.equal((await ask("web", "db")).stdout, "I am db\n");
    assert.equal((await within("python3", "-c", CLIENT, "127.0.0.1", "18080")).stdout, "I am db\n");
  });

  test("one that was started without any is connected by root alone while it runs", async () => {
    await ok("run", "-d", ...fixture.idFlags(), "--name", "apart", "host", "sleep", "600");
    const { exitCode, stderr } = await orlop("network", "connect", "app", "apart");
    assert.equal(exitCode, beside === undefined ? 0 : 1, stderr);
    if (beside !== undefined) assert.match(stderr, /its namespaces were made without an ordinary user's networks/);
    await ok("rm", "-f", "apart");
  });

  test("what was killed beside containers is put back by the next command", {
    skip: beside === undefined,
  }, async () => {
    const reach = async (): Promise<readonly string[]> => [
      (await ask("web", "db")).stdout,
      (await within("python3", "-c", CLIENT, "127.0.0.1", "18080")).stdout,
    ];
    const before = await addressOf("db");
    const there = beside?.(fixture.store).length ?? 0;
    assert.ok(there >= 2, "one that holds them, and one that leads out");
    for (let turn = 0; turn < there; turn++) {
      const pids = beside?.(fixture.store) ?? [];
      assert.equal(pids.length, there);
      process.kill(pids[turn] ?? 0, "SIGKILL");
      // Also where that is an exec, which finds the network as it is.
      if (turn % 2 === 0) await ok("ps");
      assert.deepEqual(await reach(), ["I am db\n", "I am db\n"]);
      assert.equal(await addressOf("db"), before);
    }
    const [holder] = beside?.(fixture.store) ?? [];
    process.kill(holder ?? 0, "SIGKILL");
    assert.equal(await ok("run", "--rm", "--network", "app", "host", "python3", "-c", CLIENT, "db", "80"), "I am db");
  });

  test("are inspected, listed and removed, and nothing is left", async () => {
    const names = await ok("network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{end}}", "app");
    assert.deepEqual(names.trim().split(" ").sort(), ["db", "web"]);
    await ok("rm", "-f", "db", "web", "lone");
    await ok("network", "prune", "-f");
    assert.equal(await ok("network", "ls", "--filter", "driver=bridge", "--format", "{{.Name}}"), "bridge");
    assert.doesNotMatch((await within("ip", "-br", "link")).stdout, /veth|ol[0-9a-f]{4}/);
    await until("nobody answers names", async () => namesProcesses().length === 0);
    assert.deepEqual(beside?.(fixture.store) ?? [], []);
    assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
  });
});
