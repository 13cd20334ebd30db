import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import { networkUser } from "./network-user-fixture.ts";

/** RFC 5737: addresses of the machine, which stand for the world. */
const WORLD = { here: "192.0.2.1", there: "192.0.2.3" } as const;
const PORT = "8099";

/** The machine's server for names: NAME.example is an address of WORLD. */
const NAMES = [
  "import socket, sys, struct",
  "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 53)); print('listening', flush=True)",
  "while True:",
  "  q, peer = s.recvfrom(512); n = q[13:13 + q[12]].decode(); end = q.index(0, 12) + 5",
  "  known = n in sys.argv[2::2] and q[13 + q[12]:end - 4] == b'\\7example\\0'",
  "  a = known and q[end - 3] == 1 and socket.inet_aton(sys.argv[sys.argv.index(n, 2) + 1])",
  "  answer = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + a if a else b''",
  "  s.sendto(q[:2] + (b'\\x81\\x80' if known else b'\\x81\\x83') + b'\\0\\1' + struct.pack('>H', bool(a)) + b'\\0\\0\\0\\0' + q[12:end] + answer, peer)",
].join("\n");

/** Says to whoever connects which address of its own that was. */
const SERVER = [
  "import socket, sys",
  "s = socket.socket(); s.bind(('', int(sys.argv[1]))); s.listen(); print('listening', flush=True)",
  "while True: c, _ = s.accept(); c.sendall(c.getsockname()[0].encode()); c.close()",
].join("\n");

const CLIENT =
  "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print(s.recv(99).decode())";

const { skip, stateDirectory, machine: space, enter } = networkUser();

/** Registers that policies with names hold, whose answers come from a server of the machine. */
describe("egress policies with names", { skip }, () => {
  let fixture: CommandFixture;
  /** A machine of its own, as far as the network and its servers for names go. */
  let machine: ChildProcess;
  const servers: ChildProcess[] = [];

  const words = (...args: readonly string[]): readonly string[] => {
    return [...enter(machine.pid), `--mount=/proc/${machine.pid}/ns/mnt`, "--", ...args];
  };
  const within = (...args: readonly string[]): Promise<CommandResult> => fixture.start("nsenter", words(...args));
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await within(LAUNCHER, ...args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const listen = async (program: string, ...args: readonly string[]): Promise<void> => {
    const child = spawn("nsenter", words("python3", "-c", program, ...args), { stdio: ["ignore", "pipe", "inherit"] });
    servers.push(child);
    await once(child.stdout, "data");
  };

  before(async () => {
    fixture = new CommandFixture();
    const resolvers = join(fixture.directory, "resolv.conf");
    writeFileSync(resolvers, `nameserver ${WORLD.here}\n`);
    const addresses = Object.values(WORLD).map((each) => `ip addr add ${each}/32 dev lo`);
    const steps = [
      "ip link set lo up",
      "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start",
      ...addresses,
      `mount --bind ${resolvers} /etc/resolv.conf`,
      "echo up",
    ];
    const script = `${steps.join(" && ")} && exec sleep 3600`;
    machine = spawn("unshare", [...space, "--mount", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(machine.stdout ?? machine, "data");
    await listen(NAMES, WORLD.here, ...Object.entries(WORLD).flat());
    await listen(SERVER, PORT);
  });

  after(() => {
    for (const child of [...servers, machine]) child.kill("SIGKILL");
    fixture[Symbol.dispose]();
  });

  test("let out to what a name stands for once it was asked for, and are changed while a container runs", async () => {
    await ok(
      "run",
      "-d",
      ...fixture.idFlags(),
      ...["--name", "held", "--network", "bridge", "--egress", `here.example:${PORT}`, "host", "sleep", "600"],
    );
    const reach = async (host: string): Promise<string> =>
      (await within(LAUNCHER, "exec", "held", "python3", "-c", CLIENT, host, PORT)).stdout.trim();
    assert.equal(await reach(WORLD.here), "", "nobody has asked for it");
    assert.equal(await reach("here.example"), WORLD.here);
    assert.equal(await reach(WORLD.here), WORLD.here);
    for (const host of ["there.example", WORLD.there]) assert.equal(await reach(host), "", host);
    await ok("update", "--egress", `there.example:${PORT}`, "held");
    for (const host of ["here.example", WORLD.here]) assert.equal(await reach(host), "", host);
    assert.equal(await reach("there.example"), WORLD.there);
    await ok("rm", "-f", "held");
    assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
  });

  test("hold for sandboxes, where the process that has made them answers", async () => {
    const script = join(import.meta.dirname, "egress-names-script-fixture.ts");
    const node = [process.execPath, "-C", "source", script, CLIENT, PORT, ...Object.values(WORLD)];
    const { stdout, stderr } = await within(...node);
    assert.deepEqual(
      JSON.parse(stdout || "{}"),
      { before: ["", WORLD.here, ""], after: ["", "", WORLD.there] },
      stderr,
    );
  });
});
