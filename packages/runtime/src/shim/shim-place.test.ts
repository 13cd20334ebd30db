import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { makeShimPlace, shimPlace } from "./shim-place.ts";

describe("the place of a shim", () => {
  test("is in /run, by containerd's socket and the namespace", () => {
    const place = shimPlace({ namespace: "k8s.io", address: "/run/containerd/containerd.sock" }, {}, true);
    const directory = "/run/orlop/shim/groups/run/containerd/containerd.sock@k8s.io";
    assert.equal(place.directory, directory);
    assert.equal(place.server, `${directory}/server`);
    assert.equal(place.sockets, "/run/orlop/shim/sockets");
  });

  test("is an ordinary user's own directory in memory, where there is one", () => {
    const group = { namespace: "default", address: "/c.sock" };
    const { directory } = shimPlace(group, { XDG_RUNTIME_DIR: "/run/user/1000" }, false);
    assert.equal(directory, "/run/user/1000/orlop/shim/groups/c.sock@default");
    assert.throws(() => shimPlace(group, {}, false), { code: "unsupported" });
  });

  for (const [namespace, address] of [
    ["../other", "/c.sock"],
    ["a b", "/c.sock"],
    ["", "/c.sock"],
    ["default", ""],
    ["default", "c.sock"],
    ["default", "/run/../c.sock"],
    ["default", "/run/"],
    ["default", "unix:///c.sock"],
  ] as const) {
    test(`is refused for namespace "${namespace}" at "${address}"`, () => {
      assert.throws(() => shimPlace({ namespace, address }, {}, true), { code: "invalid" });
    });
  }

  test("is made for its user alone, and refused where others may change it", () =>
    withTemporaryDirectory((directory) => {
      const place = shimPlace({ namespace: "a", address: "/c.sock" }, { XDG_RUNTIME_DIR: directory }, false);
      makeShimPlace(place);
      makeShimPlace(place);
      const open = join(directory, "open");
      mkdirSync(join(open, "orlop"), { recursive: true });
      chmodSync(join(open, "orlop"), 0o777);
      const other = shimPlace({ namespace: "a", address: "/c.sock" }, { XDG_RUNTIME_DIR: open }, false);
      assert.throws(() => makeShimPlace(other), { code: "denied" });
    }));
});
