import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isProxy, proxyName, proxySocket } from "./proxy-address.ts";

suite("the name of a snapshotter behind a socket", () => {
  const cases: readonly (readonly [text: string, name: string, path: string])[] = [
    ["proxy:unix:///run/a.sock", "proxy:%2Frun%2Fa.sock", "/run/a.sock"],
    ["proxy:/run/a b%2F.sock", "proxy:%2Frun%2Fa%20b%252F.sock", "/run/a b%2F.sock"],
  ];
  for (const [text, name, path] of cases) {
    test(`of ${text} leads back to the socket`, () => {
      assert.ok(isProxy(text));
      assert.deepEqual([proxyName(text), proxySocket(text)], [name, path]);
      assert.deepEqual([proxyName(name), proxySocket(name)], [name, path]);
      assert.doesNotMatch(name, /\//);
    });
  }

  test("is refused where it leads to none", () => {
    for (const text of ["proxy:", "proxy:a.sock", "proxy:tcp://1.2.3.4:5", "proxy:%", "overlay"]) {
      assert.throws(() => proxyName(text), { name: "OrlopError", code: "invalid", message: /no proxy:unix/ });
    }
    assert.ok(!isProxy("overlay"));
  });
});
