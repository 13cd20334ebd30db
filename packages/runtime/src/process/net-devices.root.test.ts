import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { suite, type TestContext, test } from "node:test";
import type { CreateRequest, Linux } from "@orlop/core";
import { holdNamespaces, type NamespaceHolder } from "@orlop/testkit";
import { spawnMaker } from "./maker-fixture.ts";
import { type ProcessBench, rootObstacle, withBench } from "./process-bench-fixture.ts";

const IDS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

/** What stands for the host: a network namespace of the test's, with a pair of devices. */
class HostNetwork implements AsyncDisposable {
  readonly #holder: NamespaceHolder;

  constructor(holder: NamespaceHolder) {
    this.#holder = holder;
    this.run("ip link set lo up");
    this.run("ip link add eth7 address 02:00:00:00:00:07 mtu 1400 type veth peer name peer7");
    this.run("ip link set peer7 up");
  }

  get prefix(): readonly string[] {
    return ["nsenter", `--net=${this.#holder.path("net")}`];
  }

  get path(): string {
    return this.#holder.path("net");
  }

  run(command: string): string {
    const [file = "", ...args] = [...this.prefix, ...command.split(" ")];
    return execFileSync(file, args, { encoding: "utf8" });
  }

  /** Gives eth7 addresses of every sort, and waits for none: they are told to be no duplicates. */
  addAddresses(): void {
    this.run("ip addr add 10.7.0.2/24 broadcast + dev eth7 label eth7:one");
    this.run("ip addr add 10.7.0.3/24 dev eth7");
    this.run("ip addr add 10.11.0.1/24 metric 77 dev eth7");
    this.run("ip addr add 10.8.0.1 peer 10.8.0.2/32 dev eth7");
    this.run("ip addr add 10.9.0.1/24 dev eth7 scope link");
    this.run("ip addr add 10.10.0.1/24 dev eth7 valid_lft 3600 preferred_lft 1800");
    this.run("ip -6 addr add fd07::2/64 dev eth7 nodad");
    this.run("ip link set eth7 up");
  }

  /** Lines of `ip addr` about a device, without what changes by itself. */
  device(name: string): string {
    return this.run(`ip -o addr show dev ${name} scope global`)
      .replaceAll(/ +/g, " ")
      .replaceAll(/^\d+: |\d+sec/gm, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]();
  }
}

function obstacle(): string | undefined {
  const missing = ["ip", "nsenter", "unshare"].find(
    (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  return rootObstacle() ?? (missing === undefined ? undefined : `needs ${missing}`);
}

async function withHost(
  t: TestContext,
  work: (bench: ProcessBench, host: HostNetwork) => Promise<void>,
): Promise<void> {
  const reason = obstacle();
  if (reason !== undefined) return t.skip(reason);
  await withBench(t, async (bench) => {
    await using host = new HostNetwork(await holdNamespaces(["net"]));
    await work(bench, host);
  });
}

/** Runs a container by a maker that is on this host; what it has printed. */
async function runOn(bench: ProcessBench, host: HostNetwork, request: CreateRequest): Promise<string> {
  await using _ = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "run" }, host.prefix);
  await bench.outputHas(request.id, "end\n");
  await bench.runtime.delete(request.id, { force: true });
  return bench.output(request.id);
}

async function failureOn(bench: ProcessBench, host: HostNetwork, linux: Partial<Linux>): Promise<string> {
  const request = bench.request("true", { linux });
  const error = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "run" }, host.prefix).then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.ok(error !== undefined, "the container was made");
  return error.message;
}

const show = "ip addr show; ip route show; echo end; sleep 1000";

function joined(bench: ProcessBench, path: string): NonNullable<Linux["namespaces"]> {
  return (bench.spec([]).linux?.namespaces ?? []).map((each) => (each.type === "network" ? { ...each, path } : each));
}

suite("network devices", () => {
  test("come with their attributes and their permanent global addresses, and are up", (t) =>
    withHost(t, async (bench, host) => {
      host.addAddresses();
      const output = await runOn(bench, host, bench.request(show, { linux: { netDevices: { eth7: {} } } }));
      assert.match(output, /: eth7@.*[<,]UP[,>].* mtu 1400 /);
      assert.match(output, /link\/ether 02:00:00:00:00:07/);
      for (const address of ["inet 10.7.0.2/24 brd 10.7.0.255", "inet 10.7.0.3/24", "inet 10.8.0.1 peer 10.8.0.2/32"]) {
        assert.ok(output.includes(address), `${address}: ${output}`);
      }
      assert.match(output, /inet6 fd07::2\/64 scope global/);
      assert.doesNotMatch(output, /10\.9\.0\.1|10\.10\.0\.1/);
      assert.match(output, /^10\.11\.0\.0\/24 dev eth7 .*metric 77/m);
      assert.throws(() => host.run("ip link show eth7"), "it is where it was");
    }));

  test("have another name inside, which labels of addresses do not contradict", (t) =>
    withHost(t, async (bench, host) => {
      host.addAddresses();
      host.run("ip link add eth8 type veth peer name peer8");
      const netDevices = { eth7: { name: "data" }, eth8: { name: "net%d" } };
      const namespaces = [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" } as const];
      const linux = { netDevices, namespaces, uidMappings: IDS, gidMappings: IDS };
      const output = await runOn(bench, host, bench.request(show, { linux }));
      assert.match(output, /inet 10\.7\.0\.2\/24 brd 10\.7\.0\.255 scope global data$/m);
      assert.match(output, /: data@.*[<,]UP[,>]/);
      assert.match(output, /: net0@.*[<,]UP[,>]/);
    }));

  test("are there before sysctls are set", (t) =>
    withHost(t, async (bench, host) => {
      const sysctl = { "net.ipv4.conf.data.forwarding": "1" };
      const linux = { netDevices: { eth7: { name: "data" } }, sysctl };
      const script = "cat /proc/sys/net/ipv4/conf/data/forwarding; echo end; sleep 1000";
      assert.equal(await runOn(bench, host, bench.request(script, { linux })), "1\nend\n");
    }));

  test("go into a namespace that is joined, and stay there", (t) =>
    withHost(t, async (bench, host) => {
      await using other = new HostNetwork(await holdNamespaces(["net"]));
      other.run("ip link set eth7 name other");
      host.addAddresses();
      const linux = { namespaces: joined(bench, other.path), netDevices: { eth7: {} } };
      await runOn(bench, host, bench.request(show, { linux }));
      assert.match(other.device("eth7"), /10\.7\.0\.2\/24/);
    }));
});

suite("network devices that cannot be moved", () => {
  test("because one is not there, its name is taken or there are too many addresses, stay where they are", (t) =>
    withHost(t, async (bench, host) => {
      host.addAddresses();
      const before = host.device("eth7");
      assert.match(
        await failureOn(bench, host, { netDevices: { eth7: {}, eth9: {} } }),
        /Cannot find network device "eth9": there is no such device on the host \(linux\.netDevices\.eth9\)/,
      );
      assert.match(
        await failureOn(bench, host, { netDevices: { eth7: { name: "lo" } } }),
        /Cannot move network device "eth7" into the container as "lo": the container's network has a device of that name/,
      );
      assert.equal(host.device("eth7"), before);
      const many = Array.from({ length: 200 }, (_, at) => `addr add 10.20.${at}.1/24 dev eth7\n`).join("");
      const [file = "", ...args] = [...host.prefix, "ip", "-batch", "-"];
      execFileSync(file, args, { input: many });
      assert.match(await failureOn(bench, host, { netDevices: { eth7: {} } }), /it has too many addresses/);
      assert.equal(host.device("eth7").split("\n").length, before.split("\n").length + 200);
    }));

  test("because the container's network does not take an address are brought back with all they had", (t) =>
    withHost(t, async (bench, host) => {
      await using other = new HostNetwork(await holdNamespaces(["net"]));
      other.run("ip link set eth7 name other");
      other.run("sysctl -q -w net.ipv6.conf.default.disable_ipv6=1");
      host.run("ip link add eth6 type veth peer name peer6");
      host.run("ip addr add 10.6.0.1/24 dev eth6");
      host.addAddresses();
      const before = ["eth6", "eth7"].map((name) => host.device(name));
      const netDevices = { eth6: {}, eth7: { name: "data" } };
      const failure = await failureOn(bench, host, { namespaces: joined(bench, other.path), netDevices });
      assert.match(failure, /Cannot give network device "eth7" its addresses back: permission denied/);
      const permanent = (lines: string): string =>
        lines
          .split("\n")
          .filter((line) => !line.includes("10.10.0.1"))
          .sort()
          .join("\n")
          .replaceAll(/eth7:one/g, "eth7");
      assert.deepEqual(
        ["eth6", "eth7"].map((name) => permanent(host.device(name))),
        before.map(permanent),
      );
      assert.match(host.run("ip link show eth7"), /[<,]UP[,>]/);
      assert.doesNotMatch(host.run("ip link show eth6"), /[<,]UP[,>]/);
      assert.doesNotMatch(other.run("ip link show"), /eth6|data/);
    }));
});
