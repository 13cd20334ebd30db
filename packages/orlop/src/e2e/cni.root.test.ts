import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";

const CONFIGURATIONS = "/etc/cni/net.d";
const PLUGINS = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

function obstacle(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(CONFIGURATIONS)) return `needs ${CONFIGURATIONS}`;
  const isThere = (name: string): boolean => PLUGINS.some((directory) => existsSync(join(directory, name)));
  return ["bridge", "host-local"].every(isThere) ? false : "needs containernetworking-plugins";
}

/** Prints one line to whoever connects, and is not ready before it says so. */
const SERVER = [
  "import socket",
  "s = socket.socket(); s.bind(('', 80)); s.listen()",
  "print('listening', flush=True)",
  "while True: c, _ = s.accept(); c.sendall(b'by a plug-in'); c.close()",
].join("\n");
const CLIENT = "import socket; print(socket.create_connection(('served', 80), 5).recv(99).decode())";

describe("networks that are configured for CNI", { skip: obstacle() }, () => {
  let fixture: CommandFixture;
  /** Network and configurations of its own. */
  let machine: ReturnType<typeof spawn>;
  let addresses: string;

  const orlop = (...args: readonly string[]): Promise<CommandResult> =>
    fixture.start(
      "nsenter",
      [`--net=/proc/${machine.pid}/ns/net`, `--mount=/proc/${machine.pid}/ns/mnt`, "--", LAUNCHER, ...args],
      {},
    );
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await orlop(...args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };

  before(async () => {
    fixture = new CommandFixture();
    addresses = join(fixture.directory, "addresses");
    const configurations = join(fixture.directory, "net.d");
    mkdirSync(configurations);
    const ipam = { type: "host-local", dataDir: addresses, subnet: "10.89.7.0/24" };
    const plugins = [{ type: "bridge", bridge: "cni-e2e0", isGateway: true, ipam }];
    const list = { cniVersion: "0.4.0", name: "configured", plugins };
    writeFileSync(join(configurations, "10-configured.conflist"), JSON.stringify(list));
    const script = `mount --bind '${configurations}' ${CONFIGURATIONS} && ip link set lo up && echo up && exec sleep 3600`;
    machine = spawn("unshare", ["--net", "--mount", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => machine.stdout?.once("data", resolve));
  });

  after(async () => {
    machine.kill("SIGKILL");
    await once(machine, "exit");
    fixture[Symbol.dispose]();
  });

  test("are listed, and neither made nor removed", async () => {
    assert.equal(await ok("network", "ls", "--format", "{{.Name}} {{.Driver}}"), "bridge bridge\nconfigured cni");
    const made = await orlop("network", "create", "configured");
    assert.match(made.stderr, /Cannot create network "configured": driver cni has one of this name/);
    assert.match(
      (await orlop("network", "rm", "configured")).stderr,
      /Cannot remove network "configured": it is one of driver cni/,
    );
    assert.equal(await ok("network", "prune", "-f"), "");
  });

  test("connect containers, which are called by name, and are left with them", async () => {
    const flags = ["--network", "configured", "host", "python3", "-c"];
    await ok("run", "-d", ...fixture.idFlags(), "--name", "served", ...flags, SERVER);
    let seen = "";
    await fixture.start("nsenter", [`--mount=/proc/${machine.pid}/ns/mnt`, "--", LAUNCHER, "logs", "-f", "served"], {
      onOutput: (text, child) => {
        seen = text;
        if (text.includes("listening")) child.kill();
      },
    });
    assert.match(seen, /listening/);
    assert.equal(await ok("run", "--rm", ...flags, CLIENT), "by a plug-in");
    assert.match(
      await ok("inspect", "-f", "{{.NetworkSettings.Networks.configured.IPAddress}}", "served"),
      /^10\.89\.7\./,
    );
    await ok("rm", "-f", "served");
    const given = readdirSync(join(addresses, "configured")).filter((name) => name.startsWith("10."));
    assert.deepEqual(given, []);
    const links = spawnSync("nsenter", [`--net=/proc/${machine.pid}/ns/net`, "ip", "-o", "link"], { encoding: "utf8" });
    assert.doesNotMatch(links.stdout, /veth/);
  });

  test("that cannot be taken back hold up neither the container nor any other command, and what was wrong first is told", async () => {
    const directory = join(fixture.directory, "net.d");
    // Without its master this plug-in fails at everything.
    const plugins = [{ type: "macvlan", master: "none0", ipam: { type: "host-local", subnet: "10.89.8.0/24" } }];
    const file = join(directory, "20-broken.conflist");
    writeFileSync(file, JSON.stringify({ cniVersion: "1.0.0", name: "broken", plugins }));
    const { exitCode, stderr } = await orlop("run", "--rm", "--network", "broken", "host", "true");
    assert.equal(exitCode, 125);
    assert.match(stderr, /(^|\n)orlop: Cannot ADD by CNI plug-in "macvlan": .*\n$/);
    assert.equal(await ok("ps", "-aq"), "");
    const pruned = await orlop("network", "prune", "-f");
    assert.match(pruned.stderr, /Cannot DEL by CNI plug-in "macvlan"/);
    // Its namespace is gone, and it has been tried more than once.
    assert.equal(await ok("network", "prune", "-f"), "");
    // Of one whose program is not there nothing is begun.
    writeFileSync(file, JSON.stringify({ cniVersion: "1.0.0", name: "broken", plugins: [{ type: "none0" }] }));
    const missing = await orlop("run", "--rm", "--network", "broken", "host", "true");
    assert.match(missing.stderr, /Cannot call CNI plug-in "none0": there is no such program/);
    assert.equal(await ok("network", "prune", "-f"), "");
    rmSync(file);
  });
});
