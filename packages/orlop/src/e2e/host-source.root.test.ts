import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";

const CHECKOUT = join(import.meta.dirname, "../../../..");
/** Where a machine's programs and their libraries are. */
const PROGRAMS = ["bin", "lib", "lib64", "usr", "sbin"];
const skip = process.getuid?.() === 0 ? false : "needs root";

/** What `tar` lists of the one layer of the image that a machine makes of itself, whose root this directory is. */
function listOf(root: string): readonly string[] {
  const binds = [...PROGRAMS, "proc", "dev"].map((name) => `mount --rbind /${name} ${root}/${name}`);
  const main = join(CHECKOUT, "packages/orlop/src/main.ts");
  const orlop = `ORLOP_ROOT=/store PATH=$PATH chroot ${root} ${process.execPath} -C source ${main}`;
  const script = [
    "mount --make-rprivate /",
    ...binds,
    `mount --rbind ${CHECKOUT} ${root}${CHECKOUT}`,
    `${orlop} pull -q host >${root}/id`,
    `${orlop} save -o /saved $(cat ${root}/id)`,
  ].join(" && ");
  execFileSync("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  const saved = join(root, "saved");
  const manifest = JSON.parse(execFileSync("tar", ["-xOf", saved, "manifest.json"], { encoding: "utf8" })) as {
    readonly Layers: readonly string[];
  }[];
  const archive = execFileSync("tar", ["-xOf", saved, manifest[0]?.Layers[0] ?? ""]);
  return execFileSync("tar", ["-t"], { input: archive, encoding: "utf8" }).trim().split("\n");
}

suite("an image of this machine", { skip }, () => {
  test("has its root file system, without what is mounted there, lies there for a while, or is orlop's", () =>
    withTemporaryDirectory((root) => {
      for (const name of [...PROGRAMS, "proc", "dev", "etc", "tmp", "run/lock", "var/tmp", "var/lib", "store"]) {
        mkdirSync(join(root, name), { recursive: true });
      }
      mkdirSync(join(root, CHECKOUT), { recursive: true });
      cpSync("/etc/passwd", join(root, "etc/passwd"));
      symlinkSync("passwd", join(root, "etc/link"));
      for (const name of ["tmp/left", "run/lock/left", "var/tmp/left", "var/lib/kept"])
        writeFileSync(join(root, name), "");
      const found = listOf(root).map((path) => path.replace(/^\.\//, "").replace(/\/$/, ""));
      for (const path of ["etc/passwd", "etc/link", "var/lib/kept", "tmp", "proc", "usr", "store"]) {
        assert.ok(found.includes(path), `${path} in ${found.join(" ")}`);
      }
      const expected = new Set(["bin", "lib", "lib64", "usr", "sbin", "proc", "dev", "run", "tmp", "var/tmp", "store"]);
      for (const path of found) assert.ok(!expected.has(dirname(path)), path);
      assert.ok(!found.some((path) => path.startsWith(`${CHECKOUT.slice(1)}/`)), "what is mounted is left out");
    }));
});
