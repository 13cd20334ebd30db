import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { factsOf } from "./cni-result.ts";

const interfaces = [
  { name: "cni0", mac: "02:00:00:00:00:01" },
  { name: "veth1", mac: "02:00:00:00:00:02" },
  { name: "eth0", mac: "02:00:00:00:00:03", sandbox: "/proc/1/ns/net" },
];

suite("results of CNI", () => {
  test("tell what the interface in the namespace has got", () => {
    const result = {
      cniVersion: "0.4.0",
      interfaces,
      ips: [
        { version: "4", interface: 2, address: "10.1.0.5/16", gateway: "10.1.0.1" },
        { version: "6", interface: 2, address: "fd00::5/64" },
        { version: "4", interface: 0, address: "10.9.0.1/16" },
      ],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "10.2.0.0/16", gw: "10.1.0.9" }, { dst: "fd01::/64" }],
      dns: { nameservers: ["10.1.0.53"], search: ["example.org"], options: ["ndots:2"] },
    };
    assert.deepEqual(factsOf(result, "eth0"), {
      addresses: ["10.1.0.5/16", "fd00::5/64"],
      hardwareAddress: "02:00:00:00:00:03",
      gateways: ["10.1.0.1"],
      routes: [
        { destination: "0.0.0.0/0", gateway: "10.1.0.1" },
        { destination: "10.2.0.0/16", gateway: "10.1.0.9" },
        { destination: "fd01::/64" },
      ],
      resolvers: { servers: ["10.1.0.53"], search: ["example.org"], options: ["ndots:2"] },
    });
  });

  test("may tell of no interfaces, or of nothing", () => {
    const { addresses, hardwareAddress } = factsOf({ ips: [{ address: "10.1.0.5/16" }] }, "eth0");
    assert.deepEqual([addresses, hardwareAddress], [["10.1.0.5/16"], ""]);
    assert.deepEqual(factsOf(undefined, "eth0").addresses, []);
  });

  test("are refused where they make no sense", () => {
    assert.throws(() => factsOf({ ips: [{ address: 7 }] }, "eth0"), { code: "failed", message: /an? address is 7/ });
    assert.throws(() => factsOf({ ips: [{ address: "ten" }] }, "eth0"), { code: "invalid" });
  });
});
