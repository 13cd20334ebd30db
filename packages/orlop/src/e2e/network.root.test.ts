import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { CommandFixture, type CommandOptions, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

/** Prints one line to whoever connects. */
const SERVER = [
  "import socket, sys",
  "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', 80)); s.listen()",
  "print('listening', flush=True)",
  "while True: c, _ = s.accept(); c.sendall(sys.argv[1].encode()); c.close()",
].join("\n");
const CLIENT =
  "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print(s.recv(99).decode())";

describe("networks", { skip }, () => {
  let fixture: CommandFixture;
  /** A machine of its own, as far as the network goes. */
  let machine: ReturnType<typeof spawn>;
  const starts = new Map<string, number>();

  const inside = (words: readonly string[], options: CommandOptions): Promise<CommandResult> =>
    fixture.start("nsenter", [`--net=/proc/${machine.pid}/ns/net`, "--", ...words], options);
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
      ...flags,
      "host",
      "python3",
      "-c",
      SERVER,
      `I am ${name}`,
    );
    await heard(name);
  };
  const ask = (from: string, host: string, port = 80): Promise<CommandResult> =>
    orlop("exec", from, "python3", "-c", CLIENT, host, String(port));

  before(async () => {
    fixture = new CommandFixture();
    machine = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"]);
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

  test("a container has its addresses back after a restart, and others hear of it", async () => {
    await ok("restart", "-t", "0", "db");
    await heard("db");
    assert.equal((await ask("web", "db")).stdout, "I am db\n");
    assert.equal((await within("python3", "-c", CLIENT, "127.0.0.1", "18080")).stdout, "I am db\n");
  });

  test("are inspected, listed and removed, and nothing is left", async () => {
    const names = await ok("network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{end}}", "app");
    assert.deepEqual(names.trim().split(" ").sort(), ["db", "web"]);
    await ok("rm", "-f", "db", "web", "lone");
    await ok("network", "prune", "-f");
    assert.equal(await ok("network", "ls", "--format", "{{.Name}}"), "bridge");
    assert.doesNotMatch((await within("ip", "-br", "link")).stdout, /veth|ol[0-9a-f]{4}/);
    assert.deepEqual(await findLeftovers(fixture.containerIds(), "/run/orlop"), []);
  });
});
