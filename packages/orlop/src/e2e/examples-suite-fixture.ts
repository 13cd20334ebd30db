import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

const EXAMPLES = join(import.meta.dirname, "../../../../examples");

interface ExampleResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs each of the examples as its first lines say. */
export function examplesSuite(skip: string | false): void {
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

    test("are all of them", () => {
      const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));
      assert.deepEqual(names.sort(), ["ci-step.ts", "clean-room.ts", "code-runner.ts", "files.ts"]);
    });
  });
}

function run(name: string, ...args: readonly string[]): Promise<ExampleResult> {
  const { promise, resolve } = Promise.withResolvers<ExampleResult>();
  const child = execFile(process.execPath, ["-C", "source", join(EXAMPLES, name), ...args], (_, stdout, stderr) => {
    resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
  });
  return promise;
}
