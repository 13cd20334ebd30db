import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import { type TemporaryDirectory, temporaryDirectory } from "@orlop/testkit";
import { hostsOfMachine } from "./hosts-of-machine.ts";

/** A machine with nothing but these files below its home. */
function machine(directory: TemporaryDirectory, files: Readonly<Record<string, string>>) {
  for (const [name, content] of Object.entries({ "registries.conf": "", ...files })) {
    const path = join(directory.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const env = {
    HOME: directory.path,
    CONTAINERS_REGISTRIES_CONF: join(directory.path, "registries.conf"),
    HTTPS_PROXY: "proxy.example:3128",
    NO_PROXY: ".example",
  };
  return hostsOfMachine({ env, hostsDirs: [join(directory.path, "hosts")] });
}

async function described(files: Readonly<Record<string, string>>, name: string): Promise<readonly string[]> {
  using directory = temporaryDirectory();
  const { tag: _, ...reference } = parseReference(name);
  const endpoints = await machine(directory, files)(reference);
  return endpoints.map((endpoint) => {
    const { base, otherBase, repository, capabilities, namespace, isMirror, host } = endpoint;
    const { skipVerify, ca, proxy, clientCertificates, dialTimeoutMs } = endpoint.settingsFor(base);
    return [
      base.href + repository,
      otherBase === undefined ? "" : `or ${otherBase.protocol}`,
      host === base.host ? "" : `for ${host}`,
      namespace === undefined ? "" : `ns=${namespace}`,
      [...capabilities].join("+"),
      isMirror === true ? "mirror" : "",
      skipVerify === true ? "skip" : "",
      ca?.join("+") ?? "",
      clientCertificates === undefined ? "" : "client",
      proxy?.href ?? "",
      dialTimeoutMs === undefined ? "" : `within ${dialTimeoutMs} ms`,
    ]
      .filter((part) => part !== "")
      .join(" ");
  });
}

const ALL = "pull+resolve+push";

describe("hosts", () => {
  test("are at their names when nothing is configured", async () => {
    assert.deepEqual(await described({}, "busybox"), [
      `https://registry-1.docker.io/v2/library/busybox for docker.io ${ALL} http://proxy.example:3128/`,
    ]);
    assert.deepEqual(await described({}, "a.example/b"), [`https://a.example/v2/b ${ALL}`]);
    assert.deepEqual(await described({}, "localhost:5000/b"), [`http://localhost:5000/v2/b or https: ${ALL}`]);
  });

  test("are those of containerd's hosts.toml, and then the registry", async () => {
    const files = {
      "hosts/a.example_5000_/hosts.toml": `
server = "https://a.example:5000"
[host."https://mirror.example/v2/team"]
  capabilities = ["pull"]
  override_path = true
  ca = ["ca.pem"]
  client = [["own.cert", "own.key"]]
[host."http://plain.example:5000"]
  capabilities = ["pull", "resolve"]
  [host."http://plain.example:5000".header]
    x-mirror = ["1"]
[host."lax.example"]
  skip_verify = true
  dial_timeout = "1m1.5s"
`,
      "hosts/a.example_5000_/ca.pem": "CA",
      "hosts/a.example_5000_/own.cert": "C",
      "hosts/a.example_5000_/own.key": "K",
    };
    assert.deepEqual(await described(files, "a.example:5000/b"), [
      "https://mirror.example/v2/team/b ns=a.example:5000 pull mirror CA client",
      "http://plain.example:5000/v2/b ns=a.example:5000 pull+resolve mirror",
      `https://lax.example/v2/b ns=a.example:5000 ${ALL} mirror skip within 61500 ms`,
      `https://a.example:5000/v2/b ${ALL}`,
    ]);
  });

  test("for all registries are in a directory for all, the registry at its name last", async () => {
    const files = { "hosts/_default/hosts.toml": '[host."https://cache.example"]' };
    assert.deepEqual(await described(files, "busybox"), [
      `https://cache.example/v2/library/busybox ns=docker.io ${ALL} mirror`,
      `https://registry-1.docker.io/v2/library/busybox for docker.io ${ALL} http://proxy.example:3128/`,
    ]);
  });

  test("have certificates as docker and podman keep them", async () => {
    const files = {
      ".config/containers/certs.d/a.example:5000/ca.crt": "A",
      ".config/containers/certs.d/a.example:5000/x.cert": "C",
      ".config/containers/certs.d/a.example:5000/x.key": "K",
      "hosts/b.example/ca.crt": "B",
    };
    assert.deepEqual(await described(files, "a.example:5000/b"), [`https://a.example:5000/v2/b ${ALL} A client`]);
    assert.deepEqual(await described(files, "b.example/b"), [`https://b.example/v2/b ${ALL} B`]);
    const lacking = { ".config/containers/certs.d/a.example/x.cert": "C" };
    await assert.rejects(described(lacking, "a.example/b"), /x\.key": it does not exist$/);
  });

  test("are mirrors and other locations of registries.conf", async () => {
    const files = {
      "registries.conf": `
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "a.example/team"
location = "b.example/other"
[[registry.mirror]]
location = "m.example:5000/cache"
insecure = true
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "*.wild.example"
location = "c.example"
[[registry]]
location = "lax.example"
insecure = true
[[registry]]
prefix = "a.example/bad"
blocked = true
`,
    };
    assert.deepEqual(await described(files, "a.example/team/app"), [
      "https://m.example:5000/v2/cache/app or http: pull+resolve mirror skip",
      `https://b.example/v2/other/app ${ALL}`,
    ]);
    const digest = `sha256:${"a".repeat(64)}`;
    assert.equal((await described(files, `a.example/team/app@${digest}`)).length, 3);
    assert.deepEqual(await described(files, "a.example/teams"), [`https://a.example/v2/teams ${ALL}`]);
    assert.deepEqual(await described(files, "x.wild.example/app"), [`https://c.example/v2/app ${ALL}`]);
    assert.deepEqual(await described(files, "lax.example/app"), [`https://lax.example/v2/app or http: ${ALL} skip`]);
    await assert.rejects(described(files, "a.example/bad/app"), (error) => {
      assert.ok(error instanceof OrlopError);
      assert.equal(error.code, "denied");
      assert.equal(error.message, 'Cannot use "a.example/bad/app": registries.conf blocks "a.example/bad"');
      return true;
    });
  });

  test("are not those of a registries.conf that is named and not there", async () => {
    const find = hostsOfMachine({
      env: { HOME: "/nonexistent", CONTAINERS_REGISTRIES_CONF: "/no/such/registries.conf" },
    });
    const message = /^Cannot use registry configuration "\/no\/such\/registries\.conf": it is not there$/;
    await assert.rejects(find({ registry: "a.example", repository: "b" }), { message });
  });

  test("get none of our certificates when another host leads to them", async () => {
    using directory = temporaryDirectory();
    const find = machine(directory, {
      "hosts/a.example/hosts.toml": 'server = "https://a.example"\nskip_verify = true\nca = "ca"\nclient = "both"',
      "hosts/a.example/ca": "CA",
      "hosts/a.example/both": "C",
    });
    const [endpoint] = await find({ registry: "a.example", repository: "b" });
    const own = endpoint?.settingsFor(new URL("https://a.example/v2/x"));
    assert.deepEqual(own, { ca: ["CA"], clientCertificates: [{ certificate: "C", key: "C" }], skipVerify: true });
    assert.deepEqual(endpoint?.settingsFor(new URL("https://storage.example/x")), { ca: ["CA"] });
    assert.equal(endpoint?.settingsFor(new URL("https://a.example/v2/y")), own);
  });

  const WRONG: readonly (readonly [string, string, RegExp])[] = [
    ["hosts/a.example/hosts.toml", "x = 1", /hosts\.toml": x: orlop does not know it$/],
    ["hosts/a.example/hosts.toml", "x", /hosts\.toml": line 1: .*key-value.*$/],
    ["hosts/a.example/hosts.toml", '[host."ftp://a"]', /"ftp:\/\/a" is no address of a web server$/],
    [
      "hosts/a.example/hosts.toml",
      '[host."https://a"]\ncapabilities = ["dance"]',
      /host\."https:\/\/a"\.capabilities: there is no "dance"$/,
    ],
    ["hosts/a.example/hosts.toml", 'dial_timeout = "5"', /dial_timeout: "5" is no duration such as 30s$/],
    ["hosts/a.example/hosts.toml", 'dial_timeout = "0s"', /dial_timeout: it is less than 1ms$/],
    ["hosts/a.example/hosts.toml", 'ca = "absent.pem"', /absent\.pem": it does not exist$/],
    ["registries.conf", "[registries.search]\nregistries = []", /registries: it is of version 1/],
    ["registries.conf", '[[registry]]\nlocation = "https://a"', /"https:\/\/a" is no name of a registry$/],
    ["registries.conf", "[[registry]]\nblocked = true", /registry\[0\]\.location: neither it nor a prefix is given$/],
    [
      "registries.conf",
      '[[registry]]\nlocation = "a"\nblocked = "yes"',
      /registry\[0\]\.blocked: it is neither true nor false$/,
    ],
    ["registries.conf", 'additional = "x"', /additional: orlop does not know it$/],
  ];
  for (const [name, content, message] of WRONG) {
    test(`are not read from ${name} with ${JSON.stringify(content)}`, async () => {
      await assert.rejects(described({ [name]: content }, "a.example/b"), (error) => {
        assert.ok(error instanceof OrlopError, `${error}`);
        assert.match(error.message, /^Cannot use registry configuration "/);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
