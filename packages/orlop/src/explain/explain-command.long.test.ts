import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { defaultSpec } from "@orlop/core";

const launcher = join(import.meta.dirname, "../../bin/orlop");
const scratch = mkdtempSync(join(tmpdir(), "orlop-explain-"));
after(() => rmSync(scratch, { recursive: true }));

/** What is printed is larger than what spawn takes by default. */
const maxBuffer = 1 << 26;
const explain = (...args: readonly string[]) =>
  spawnSync(launcher, ["explain", ...args], { encoding: "utf8", maxBuffer });

interface Explained {
  readonly steps: readonly {
    readonly action: string;
    readonly field: string | null;
    readonly calls: readonly { readonly call: string; readonly args: readonly string[] }[];
  }[];
}

describe("explain", () => {
  test("shows what run would do, in order, with the reasons", () => {
    const { stdout, stderr, status } = explain("-w", "/usr", "--hostname", "box", "host", "--", "true", "x y");
    assert.deepEqual([stderr, status], ["", 0]);
    const marks = [
      "clone3(",
      'sethostname("box"',
      "pivot_root(",
      'chdir("/usr"',
      'execve("/usr/local/sbin/true", ["true", "x y"]',
    ];
    const places = marks.map((mark) => stdout.indexOf(mark));
    for (const [index, place] of places.entries())
      assert.ok(place > (places[index - 1] ?? 0), `${marks[index]} in ${stdout}`);
    assert.match(stdout, /\(linux\.namespaces\)/);
    assert.ok(!stdout.includes("\u001b["), "colours are for terminals");
  });

  test("prints data for programs, every instruction for the curious", () => {
    const { steps } = JSON.parse(explain("--json", "--read-only", "host", "true").stdout) as Explained;
    assert.ok(steps.some(({ field }) => field === "root.readonly"));
    const calls = steps.flatMap((step) => step.calls.map(({ call }) => call));
    for (const call of ["clone3", "pivot_root", "capset", "seccomp", "execve"]) assert.ok(calls.includes(call), call);
    const lines = (text: string): number => text.split("\n").length;
    assert.ok(lines(explain("--verbose", "host", "true").stdout) > lines(explain("host", "true").stdout));
  });

  test("runs and makes nothing", () => {
    const missing = join(scratch, "missing");
    const mark = join(scratch, "ran");
    const { status, stderr } = explain("-v", `${missing}:/m`, "-v", `${scratch}:/s`, "host", "touch", mark);
    assert.equal(status, 0, stderr);
    assert.equal(existsSync(missing), false);
    assert.equal(existsSync(mark), false);
  });

  test("takes a bundle", () => {
    const bundle = join(scratch, "bundle");
    mkdirSync(join(bundle, "rootfs"), { recursive: true });
    writeFileSync(
      join(bundle, "config.json"),
      JSON.stringify({ ...defaultSpec({ args: ["/bin/hello"] }), hostname: "bundled" }),
    );
    const { stdout, stderr, status } = explain("--bundle", bundle);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /sethostname\("bundled"/);
    assert.match(stdout, /execve\("\/bin\/hello"/);
    writeFileSync(join(bundle, "config.json"), "{");
    const broken = explain("--bundle", bundle);
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /^orlop: Cannot /);
  });

  test("ends quietly when its reader does", () => {
    const command = `'${launcher}' explain --verbose host true | head -n 1`;
    const printed = execFileSync("bash", ["-o", "pipefail", "-c", `${command}; echo "\${PIPESTATUS[0]}"`], {
      encoding: "utf8",
    });
    assert.match(printed, /^# A program for .*\n0\n$/);
  });
});
