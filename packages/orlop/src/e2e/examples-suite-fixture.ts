import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LayoutWriter } from "@orlop/testkit";
import { networkUser } from "./network-user-fixture.ts";

const EXAMPLES = join(import.meta.dirname, "../../../../examples");

interface ExampleResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ExamplesSuiteOptions {
  readonly skip: string | false;
  /** Absent: there is no busybox to make an image of. */
  readonly makeBusybox?: (directory: string) => void;
}

/** Runs each of the examples as its first lines say. */
export function examplesSuite({ skip, makeBusybox }: ExamplesSuiteOptions): void {
  let tree = "";
  before(() => {
    tree = mkdtempSync(join(tmpdir(), "orlop-examples-"));
    writeFileSync(join(tree, "a.txt"), "a\n");
  });
  after(() => rmSync(tree, { recursive: true, force: true }));

  describe("the examples", { skip }, () => {
    test("code-runner runs code, and gives its exit code", async () => {
      const { exitCode, stdout, stderr } = await run("code-runner.ts", "console.log(6 * 7); process.exitCode = 3");
      assert.deepEqual([exitCode, stdout], [3, "42\n"], stderr);
    });

    test("ci-step runs commands in a work tree until one fails", async () => {
      const { exitCode, stdout, stderr } = await run(
        "ci-step.ts",
        tree,
        "cat a.txt > b.txt",
        "cat b.txt; exit 4",
        "no",
      );
      assert.deepEqual(
        [exitCode, stdout, stderr],
        [4, "+ cat a.txt > b.txt\n+ cat b.txt; exit 4\na\n", "it failed with 4\n"],
      );
      assert.equal(readFileSync(join(tree, "b.txt"), "utf8"), "a\n");
    });

    test("clean-room builds the same twice", async () => {
      const { exitCode, stdout, stderr } = await run("clean-room.ts", tree);
      assert.equal(exitCode, 0, stderr);
      assert.match(stdout, /^sha256:[0-9a-f]{64} \d+\nboth builds are the same\n$/);
    });

    test("files takes files in and out", async () => {
      const { exitCode, stdout, stderr } = await run("files.ts", "3", "1", "3");
      assert.equal(exitCode, 0, stderr);
      assert.match(stdout, /^counted: \d+ bytes\nnumbers: 6 bytes\n +1 1\n +2 3\n$/);
    });

    test("preview shows what a command would change", async () => {
      const { exitCode, stdout, stderr } = await run(
        "preview.ts",
        tree,
        "echo changed > a.txt; echo new > c.txt; echo hi",
      );
      assert.equal(exitCode, 0, stderr);
      assert.match(stdout, /^hi\n[\s\S]*\n-a\n\+changed\n[\s\S]*\n\+new\n/);
      assert.equal(readFileSync(join(tree, "a.txt"), "utf8"), "a\n");
    });

    test("grade tells who has answered", async () => {
      const programs = ["x => x * x", "x => x + x", "x => { throw x }", "x => 'x'.repeat(9999)"];
      const { exitCode, stdout, stderr } = await run("grade.ts", "60000", ...programs);
      assert.deepEqual([exitCode, stdout], [0, "right\nwrong: 3 is not 6\nfailed\ntoo much\n"], stderr);
      assert.equal((await run("grade.ts", "100", "x => { for (;;); }")).stdout, "too slow\n");
    });

    serverTests();
    imageTests(() => tree, makeBusybox);

    test("are all of them", () => {
      const source = readFileSync(import.meta.filename, "utf8");
      const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));
      assert.ok(names.length > 10);
      for (const name of names) assert.ok(source.includes(`"${name}"`), name);
    });
  });
}

/** Those that are asked over a network, or ask. */
function serverTests(): void {
  test("plug-in-host asks a plug-in", async () => {
    const plugIn = "request => request.text.toUpperCase()";
    const { exitCode, stdout, stderr } = await run("plug-in-host.ts", plugIn, "hello", "you");
    assert.deepEqual([exitCode, stdout], [0, '"HELLO"\n"YOU"\n'], stderr);
  });

  test("hidden-key asks a service with a key that the code does not have", async () => {
    const { exitCode, stdout, stderr } = await run("hidden-key.ts", "answer => answer.text()");
    assert.deepEqual([exitCode, stdout], [0, "the key is orlop-secret-...\nwelcome\n"], stderr);
  });

  test("test-database begins each test with an empty one", async () => {
    const { exitCode, stdout, stderr } = await run("test-database.ts");
    const said = "rows are counted\nthe next test begins with an empty one\n";
    assert.deepEqual([exitCode, stdout], [0, said], stderr);
  });

  test("allow-list reaches what is allowed", { skip: networkUser().skip }, async () => {
    const { exitCode, stdout, stderr } = await runWithServers("allow-list.ts", "192.0.2.1:443", "192.0.2.1:80");
    const said = ["443 is reached", "80 is not reached", "443 is not reached", "80 is reached"];
    assert.deepEqual([exitCode, stdout], [0, said.map((each) => `192.0.2.1:${each}\n`).join("")], stderr);
  });
}

/** Those of images, and of containers that stay. */
function imageTests(tree: () => string, makeBusybox: ExamplesSuiteOptions["makeBusybox"]): void {
  test("forks goes on from one preparation", { skip: makeBusybox === undefined && "needs busybox" }, async () => {
    const root = join(tree(), "root");
    makeBusybox?.(root);
    const tar = execFileSync("tar", ["-C", root, "-cf", "-", "."], { maxBuffer: 1 << 26 });
    const layout = new LayoutWriter(join(tree(), "layout"));
    layout.publish([layout.manifest({ layers: [{ tar }], config: { Env: ["PATH=/bin"] } })]);
    const { exitCode, stdout, stderr } = await run("forks.ts", `oci:${layout.directory}`, "2");
    const said = "added /srv\nadded /srv/state\nprepared, attempt 1\nprepared, attempt 2\n";
    assert.deepEqual([exitCode, stdout], [0, said], stderr);
  });

  test("follow-logs shows what a container puts out, and removes it", async () => {
    const { exitCode, stdout, stderr } = await run("follow-logs.ts", "host", "sh", "-c", "echo a; echo b; exit 3");
    assert.deepEqual([exitCode, stdout], [0, "a\nb\nit has ended with 3\n"], stderr);
  });
}

/** In a network namespace of its own, where 192.0.2.1 listens at ports 80 and 443. */
function runWithServers(name: string, ...args: readonly string[]): Promise<ExampleResult> {
  const server = `
    const { createServer } = require("node:net");
    for (const port of [80, 443]) createServer((socket) => socket.on("error", () => {}).end()).listen(port, "0.0.0.0");
    console.log("up");
  `;
  const script = `
    ip link set lo up; ip address add 192.0.2.1/32 dev lo
    "$0" -e "$1" > "$2" & server=$!
    until [ -s "$2" ]; do kill -0 $server || exit 1; done
    shift 2; "$0" -C source "$@"; code=$?
    kill $server; exit $code
  `;
  const ready = join(mkdtempSync(join(tmpdir(), "orlop-servers-")), "ready");
  const { promise, resolve } = Promise.withResolvers<ExampleResult>();
  const words = [
    ...networkUser().machine,
    "sh",
    "-c",
    script,
    process.execPath,
    server,
    ready,
    join(EXAMPLES, name),
    ...args,
  ];
  const child = execFile("unshare", words, (_, stdout, stderr) => {
    rmSync(dirname(ready), { recursive: true });
    resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
  });
  return promise;
}

function run(name: string, ...args: readonly string[]): Promise<ExampleResult> {
  const { promise, resolve } = Promise.withResolvers<ExampleResult>();
  const child = execFile(process.execPath, ["-C", "source", join(EXAMPLES, name), ...args], (_, stdout, stderr) => {
    resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
  });
  return promise;
}
