import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EgressRule } from "@orlop/core";
import { authorityOf, hostText, isHostAllowed, parseSecretHost } from "./secret-host.ts";

describe("a host of a secret", () => {
  test("is a name, asked by HTTPS at its own port unless it says otherwise", () => {
    const read = (text: string): readonly unknown[] => {
      const host = parseSecretHost(text);
      return [host.scheme, host.name, host.port, hostText(host), authorityOf(host)];
    };
    assert.deepEqual(read("API.example."), ["https", "api.example", 443, "api.example", "api.example"]);
    assert.deepEqual(read("https://api.example:443"), ["https", "api.example", 443, "api.example", "api.example"]);
    assert.deepEqual(read("a.example:8443"), ["https", "a.example", 8443, "a.example:8443", "a.example:8443"]);
    assert.deepEqual(read("http://a.example"), ["http", "a.example", 80, "http://a.example", "a.example"]);
    assert.deepEqual(read("http://localhost:1"), ["http", "localhost", 1, "http://localhost:1", "localhost:1"]);
  });

  test("is refused where it is no name, or several", () => {
    const refused = [
      "",
      "*.example",
      "192.0.2.1",
      "[::1]",
      "a.example:0",
      "a.example:65536",
      "a.example:x",
      "a..example",
    ];
    for (const text of [...refused, "ftp://a.example", "https://a.example/", "me@a.example", "a example"]) {
      assert.throws(() => parseSecretHost(text), { code: "invalid", message: /^Cannot use host/ }, text);
    }
  });

  test("may be reached where a policy has its name and port", () => {
    const host = parseSecretHost("api.example:8443");
    const allows = (...allow: readonly EgressRule[]): boolean => isHostAllowed({ allow }, host);
    assert.ok(isHostAllowed("all", host));
    assert.ok(allows({ to: "api.example" }));
    assert.ok(allows({ to: "*.example", protocol: "tcp" }));
    assert.ok(allows({ to: "api.example", protocol: "tcp", ports: [8000, 9000] }));
    assert.ok(!allows({ to: "api.example", protocol: "udp" }));
    assert.ok(!allows({ to: "api.example", protocol: "tcp", ports: [443, 443] }));
    assert.ok(!allows({ to: "other.example" }, { to: "0.0.0.0/0" }));
  });
});
