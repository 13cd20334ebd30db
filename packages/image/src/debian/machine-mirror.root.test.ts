import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ImageSource, OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { writeLayout } from "./fixtures/write-layout.ts";
import { openDebianSource } from "./open-debian-source.ts";

/** The suite of this machine itself, if it is one of Debian's. */
function ownSuite(): string | undefined {
  try {
    const release = readFileSync("/etc/os-release", "utf8");
    return /^ID=debian$/m.test(release) ? /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] : undefined;
  } catch {
    return undefined;
  }
}

/** Why an image cannot be made from this machine's mirror; undefined: it can. */
async function mirrorObstacle(source: ImageSource): Promise<string | undefined> {
  try {
    await source.images();
    return undefined;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "failed") return "this machine's mirror cannot be reached";
    throw error;
  }
}

function hasProgram(context: TestContext, ...names: readonly string[]): boolean {
  const missing = names.find((name) => spawnSync(name, ["--version"]).error !== undefined);
  if (missing !== undefined) context.skip(`there is no ${missing}`);
  return missing === undefined;
}

test("makes an image of busybox-static from this machine's mirror, which skopeo and umoci read", async (context) => {
  const suite = ownSuite();
  if (suite === undefined) return context.skip("this machine is not Debian");
  if (!hasProgram(context, "skopeo", "umoci")) return;
  await using source = await openDebianSource(`debian:${suite}?packages=busybox-static`);
  const obstacle = await mirrorObstacle(source);
  if (obstacle !== undefined) return context.skip(obstacle);
  await withTemporaryDirectory(async (directory) => {
    const { digest } = await writeLayout(source, join(directory, "layout"));
    const inspected = execFileSync("skopeo", ["inspect", `oci:${join(directory, "layout")}:latest`]).toString();
    assert.equal(JSON.parse(inspected).Digest, digest);
    const bundle = join(directory, "bundle");
    execFileSync("umoci", ["unpack", "--image", `${join(directory, "layout")}:latest`, bundle], { stdio: "ignore" });
    const rootfs = join(bundle, "rootfs");
    const said = execFileSync("chroot", [rootfs, "/bin/busybox", "echo", "hello"]).toString();
    assert.equal(said, "hello\n");
    const admin = `--admindir=${join(rootfs, "var/lib/dpkg")}`;
    const shown = execFileSync("dpkg-query", [admin, "--show", "busybox-static"]).toString();
    assert.match(shown, /^busybox-static\t\d/);
  });
});
