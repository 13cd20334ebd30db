import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { isLauncherHome, launcherPlace, makeSocketDirectory } from "./launcher-place.ts";

describe("the place of a launcher", () => {
  test("is another one for every installation and every user", () => {
    const env = { XDG_RUNTIME_DIR: "/run/user/1000", XDG_CACHE_HOME: "/nowhere" };
    const places = [
      launcherPlace("/a/bin", env, false),
      launcherPlace("/b/bin", env, false),
      launcherPlace("/a/bin", { XDG_RUNTIME_DIR: "/run/user/1001" }, false),
      launcherPlace("/a/bin", env, true),
    ];
    assert.equal(new Set(places.map((place) => place?.socket)).size, places.length);
    assert.match(places[0]?.socket ?? "", /^\/run\/user\/1000\/orlop\/resident-[0-9a-f]{16}\/socket$/);
    assert.match(places[3]?.socket ?? "", /^\/run\/orlop\//);
  });

  test("is nowhere without a directory for sockets, or with one whose name is too long", () => {
    for (const XDG_RUNTIME_DIR of [undefined, "", "relative", `/${"x".repeat(80)}`]) {
      assert.equal(launcherPlace("/a/bin", { XDG_RUNTIME_DIR }, false), undefined);
    }
  });

  test("has its launchers in the cache that the caller names, if that is the caller's own", async () => {
    await withTemporaryDirectory((directory) => {
      const own = join(directory, "cache");
      mkdirSync(own, { mode: 0o755 });
      const home = join(own, "orlop/launchers/usr/bin/orlop-oci");
      const env = { XDG_CACHE_HOME: own };
      assert.ok(isLauncherHome(home, env));
      for (const elsewhere of ["", "relative", join(own, "orlop/launchers"), join(own, "../orlop/launchers/x")]) {
        assert.ok(!isLauncherHome(elsewhere, env), elsewhere);
      }
      chmodSync(own, 0o777);
      assert.ok(!isLauncherHome(home, env));
    });
  });

  test("has a directory that nobody else can use, and is refused where that cannot be", async () => {
    await withTemporaryDirectory((runtime) => {
      const place = launcherPlace("/a/bin", { XDG_RUNTIME_DIR: runtime }, false);
      assert.ok(place !== undefined);
      makeSocketDirectory(place);
      assert.equal(statSync(place.directory).mode & 0o777, 0o700);
      chmodSync(place.directory, 0o755);
      makeSocketDirectory(place);
      assert.equal(statSync(place.directory).mode & 0o777, 0o700);
      // Others could have put something into it, or can exchange it.
      for (const open of [place.directory, join(runtime, "orlop")]) {
        chmodSync(open, 0o777);
        assert.throws(() => makeSocketDirectory(place), { code: "denied" });
        chmodSync(open, 0o700);
      }
      rmSync(place.directory, { recursive: true });
      mkdirSync(join(runtime, "elsewhere"));
      symlinkSync(join(runtime, "elsewhere"), place.directory);
      assert.throws(() => makeSocketDirectory(place), { code: "denied" });
    });
  });
});
