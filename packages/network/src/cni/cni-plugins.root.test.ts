import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { deleteAddress, getLink } from "@orlop/kernel/rtnetlink";
import { NetworkBench } from "@orlop/testkit";
import { bridgeConflist, cniObstacle, makeCniDriver } from "./cni-subject-fixture.ts";

/** Opens a bench, or skips where there can be none. */
async function openBench(t: TestContext): Promise<NetworkBench | undefined> {
  const obstacle = cniObstacle();
  if (obstacle === undefined) return await NetworkBench.open(makeCniDriver);
  t.skip(obstacle);
  return undefined;
}

function configure({ directory }: NetworkBench, changes: Readonly<Record<string, unknown>>): string {
  const file = join(directory, "net.d", "10-chain.conflist");
  writeFileSync(file, JSON.stringify({ ...bridgeConflist(directory), ...changes }));
  return file;
}

/** What host-local has given to somebody. */
function givenAddresses({ directory }: NetworkBench): readonly string[] {
  return readdirSync(join(directory, "addresses", "chain")).filter((name) => /^[0-9]/.test(name));
}

suite("the field's CNI plug-ins", () => {
  for (const cniVersion of ["0.3.1", "0.4.0", "1.0.0"]) {
    test(`attach and take back by version ${cniVersion}, with the addresses that are asked for`, async (t) => {
      await using bench = await openBench(t);
      if (bench === undefined) return;
      // The one for firewalls has come with 0.4.0.
      const { plugins } = bridgeConflist(bench.directory) as { plugins: readonly { type: string }[] };
      configure(bench, { cniVersion, plugins: plugins.filter(({ type }) => type !== "firewall") });
      const hardwareAddress = "02:00:00:00:00:99";
      const { endpoint, path } = await bench.container({ addresses: ["10.88.7.7"], hardwareAddress });
      assert.deepEqual([endpoint.addresses, endpoint.gateways], [["10.88.7.7/16"], ["10.88.0.1"]]);
      assert.deepEqual(endpoint.routes, [{ destination: "0.0.0.0/0", gateway: "10.88.0.1" }]);
      const { subnets } = await bench.driver.inspect("chain");
      assert.deepEqual(subnets, [{ prefix: "10.88.0.0/16", gateway: "10.88.0.1" }]);
      using relay = await NetworkRelay.start(bench.hostPath);
      await using inside = await relay.openNamespace(path);
      const [link] = await inside.values("route", getLink("eth0"));
      assert.equal(link?.address, hardwareAddress);
      await bench.driver.disconnect("chain", endpoint.id);
      assert.deepEqual(await bench.interfaces(path), ["lo"]);
      assert.deepEqual(givenAddresses(bench), []);
    });
  }

  test("take back what they have attached when their configuration is gone", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { endpoint, path } = await bench.container();
    rmSync(configure(bench, {}));
    await assert.rejects(bench.driver.inspect("chain"), { code: "not-found" });
    await bench.driver.disconnect("chain", endpoint.id);
    assert.deepEqual(await bench.interfaces(path), ["lo"]);
    assert.deepEqual(givenAddresses(bench), []);
  });

  test("leave nothing where one of them fails, and nothing of namespaces that have ended", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const kept = await bench.container();
    const { plugins } = bridgeConflist(bench.directory) as { plugins: readonly object[] };
    const space = await bench.namespace();
    const request = { network: "chain", endpoint: "gone", namespace: { path: space.net } };
    configure(bench, { plugins: [...plugins, { type: "tuning", sysctl: { "net.none": "1" } }] });
    await assert.rejects(bench.driver.connect(request), {
      code: "failed",
      message: /Cannot ADD by CNI plug-in "tuning"/,
    });
    assert.deepEqual(await bench.interfaces(space.net), ["lo"]);
    assert.equal(givenAddresses(bench).length, 1);
    configure(bench, {});
    await bench.driver.connect(request);
    assert.equal(givenAddresses(bench).length, 2);
    await space[Symbol.asyncDispose]();
    await bench.cleanUpUntil(async () => (await bench.driver.endpoints()).length === 1);
    assert.deepEqual(givenAddresses(bench), [kept.address]);
  });

  test("tell whoever connects once more when something is missing", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { endpoint, path } = await bench.container();
    const again = { network: "chain", endpoint: endpoint.id, namespace: { path } };
    assert.deepEqual(await bench.driver.connect(again), endpoint);
    using relay = await NetworkRelay.start(bench.hostPath);
    await using inside = await relay.openNamespace(path);
    const [link] = await inside.values("route", getLink("eth0"));
    await inside.route(deleteAddress({ index: link?.index ?? 0, address: endpoint.addresses[0] ?? "" }));
    await assert.rejects(bench.driver.connect(again), { message: /Cannot CHECK by CNI plug-in "bridge"/ });
  });

  test("are asked for nothing that they are not capable of", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { plugins } = bridgeConflist(bench.directory) as { plugins: readonly { type: string }[] };
    configure(bench, { plugins: [plugins.find(({ type }) => type === "firewall")] });
    const wishes = [
      { ports: [{ protocol: "tcp", containerPort: 80 }] as const },
      { addresses: ["10.88.7.7"] },
      { hardwareAddress: "02:00:00:00:00:99" },
      { egress: { allow: [] } },
    ];
    for (const wish of wishes) await assert.rejects(bench.container(wish), { code: "unsupported" });
    await assert.rejects(bench.container({ endpoint: "no id" }), { code: "invalid" });
    configure(bench, {});
    const second = { code: "unsupported", message: /: its CNI configuration may make a second default route$/ };
    await assert.rejects(bench.container({ noDefaultRoute: true }), second);
  });

  test("attach to a second network, which has no default route of its own", async (t) => {
    await using bench = await openBench(t);
    if (bench === undefined) return;
    const { path } = await bench.container();
    const ipam = { type: "host-local", dataDir: join(bench.directory, "addresses"), subnet: "10.87.0.0/24" };
    const list = { cniVersion: "1.0.0", name: "second", plugins: [{ type: "ptp", ipam }] };
    writeFileSync(join(bench.directory, "net.d", "20-second.conflist"), JSON.stringify(list));
    const request = { network: "second", endpoint: "again", namespace: { path }, noDefaultRoute: true };
    const { interfaceName, addresses, routes } = await bench.driver.connect(request);
    assert.deepEqual([interfaceName, addresses], ["eth1", ["10.87.0.2/24"]]);
    assert.deepEqual(routes, []);
    assert.deepEqual((await bench.interfaces(path)).toSorted(), ["eth0", "eth1", "lo"]);
    await bench.driver.disconnect("second", "again");
    assert.deepEqual((await bench.interfaces(path)).toSorted(), ["eth0", "lo"]);
  });
});
