import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";

const launcher = join(import.meta.dirname, "../bin/orlop");
const orlop = (...args: readonly string[]) => spawnSync(launcher, args, { encoding: "utf8" });

describe("the command line", () => {
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    test(`shows its commands: orlop ${args.join(" ")}`, () => {
      const { stdout, stderr, status } = orlop(...args);
      assert.match(stdout, /^Usage: {2}orlop COMMAND\n/);
      assert.deepEqual([stderr, status], ["", 0]);
    });
  }

  for (const args of [
    ["help", "run"],
    ["run", "--help"],
    ["run", "-it", "--help"],
  ]) {
    test(`shows a command's flags: orlop ${args.join(" ")}`, () => {
      const { stdout, status } = orlop(...args);
      assert.match(stdout, /^Usage: {2}orlop run \[OPTIONS\] IMAGE/);
      assert.equal(status, 0);
    });
  }

  for (const args of [["image"], ["image", "--help"], ["image", "-h"], ["help", "image"]]) {
    test(`shows the commands of a group: orlop ${args.join(" ")}`, () => {
      const { stdout, stderr, status } = orlop(...args);
      assert.match(stdout, /^Usage: {2}orlop image COMMAND\n/);
      assert.deepEqual([stderr, status], ["", 0]);
    });
  }

  for (const args of [
    ["help", "image", "ls"],
    ["image", "ls", "--help"],
    ["image", "list", "-a", "--help"],
  ]) {
    test(`shows the flags of a command of two words: orlop ${args.join(" ")}`, () => {
      const { stdout, status } = orlop(...args);
      assert.match(stdout, /^Usage: {2}orlop image (?:ls|list) \[OPTIONS\]/);
      assert.equal(status, 0);
    });
  }

  test("shows versions, for people and for programs", () => {
    assert.match(
      orlop("version").stdout,
      /^orlop +0\.1\.0\nOCI runtime-spec +1\.3\.0\nNode\.js +\d+\..*\nLinux +\d+\./,
    );
    const versions = JSON.parse(orlop("version", "--format", "json").stdout) as Readonly<Record<string, string>>;
    assert.deepEqual(Object.keys(versions), ["orlop", "ociRuntimeSpec", "node", "kernel", "architecture"]);
    const format = "{{.Client.Version}} {{.Server.Version}} {{.Server.Os}} {{.node}}";
    assert.equal(orlop("version", "-f", format).stdout, `0.1.0 0.1.0 linux ${versions.node}\n`);
    for (const flag of ["--version", "-v"]) assert.equal(orlop(flag).stdout, "orlop 0.1.0\n");
  });

  const refused: readonly [args: readonly string[], status: number, message: RegExp][] = [
    [["nope"], 1, /^orlop: unknown command: orlop nope\n\nRun 'orlop --help' for more information\n$/],
    [["help", "nope"], 1, /unknown command: orlop nope/],
    [
      ["image", "nope"],
      1,
      /^orlop: unknown command: orlop image nope\n\nRun 'orlop image --help' for more information\n$/,
    ],
    [["build", "."], 1, /^orlop: There is no "orlop build": images are not built here yet\nTry buildah build, /],
    [["volume", "export", "v"], 1, /^orlop: There is no "orlop volume export": .*\nTry orlop run --rm -v NAME:/],
    [["help", "image", "nope"], 1, /unknown command: orlop image nope/],
    [
      ["image", "ls", "--nope"],
      125,
      /^orlop: unknown flag: --nope\n\nRun 'orlop image ls --help' for more information\n$/,
    ],
    [["version", "--format", "xml"], 1, /Cannot use format "xml": there are text and json, and/],
    [["doctor", "--nope"], 125, /unknown flag: --nope/],
    [["run"], 125, /an image is required.*\n\nRun 'orlop run --help' for more information\n$/],
    [["run", "--nope"], 125, /^orlop: unknown flag: --nope\n\nRun 'orlop run --help' for more information\n$/],
    [["run", "-e"], 125, /flag needs an argument: 'e' in -e/],
    [
      ["stop", "-t", "soon", "a", "b"],
      125,
      /^orlop: invalid argument "soon" for "-t, --timeout" flag: [^\n]*\n\nRun 'orlop stop/,
    ],
    [["kill", "-s", "NOPE", "a"], 125, /there is no signal "NOPE"/],
    [["explain"], 1, /an image is required/],
    [["explain", "--bundle", "/no/such", "host"], 1, /takes no image, and got "host"/],
    [["explain", "--bundle", "/no/such"], 1, /Cannot open bundle "\/no\/such": no such file or directory/],
  ];
  for (const [args, status, message] of refused) {
    test(`refuses: orlop ${args.join(" ")}`, () => {
      const result = orlop(...args);
      assert.match(result.stderr, message);
      assert.deepEqual([result.stdout, result.status], ["", status]);
    });
  }
});
