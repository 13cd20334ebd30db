import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { failuresText, skipsText, slowestText } from "./describe-outcome.ts";
import { runTests } from "./run-tests.ts";
import { addOutcomes, emptyOutcome, type TestOutcome } from "./test-outcome.ts";

const root = process.cwd();

async function outcomeOf(text: string, fileTimeoutMs = 30_000): Promise<TestOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-run-tests-"));
  try {
    const file = join(directory, "x.test.ts");
    writeFileSync(
      file,
      `import assert from "node:assert/strict";\nimport { test, describe } from "node:test";\n${text}`,
    );
    return await runTests(root, [file], { concurrency: 1, fileTimeoutMs });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Of files in one process, by their names. */
async function outcomeTogether(texts: Readonly<Record<string, string>>): Promise<TestOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-run-tests-"));
  try {
    const files = Object.entries(texts).map(([name, text]) => {
      const file = join(directory, `${name}.test.ts`);
      writeFileSync(file, `import assert from "node:assert/strict";\nimport { test } from "node:test";\n${text}`);
      return file;
    });
    return await runTests(root, files, { concurrency: 1, fileTimeoutMs: 30_000, together: files.length });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Longer than the start of a file takes on a busy machine; a test that waits for it waits so long. */
const SHORT_MS = 8000;

describe("running test files", { concurrency: true }, () => {
  test("counts what passed, failed and was skipped, with titles, places and reasons", async () => {
    const outcome = await outcomeOf(`
      test("passes", () => {});
      describe("group", () => {
        test("fails", () => { console.log("seen on the way"); assert.equal(1, 2); });
        test("lacks", (t) => t.skip("needs root"));
      });
      test("says nothing", { skip: true }, () => {});
    `);
    const { tests, passed, failed, skipped } = outcome.counts;
    assert.deepEqual({ tests, passed, failed, skipped }, { tests: 4, passed: 1, failed: 1, skipped: 2 });
    assert.equal(outcome.failures.length, 1);
    assert.match(failuresText(outcome), /x\.test\.ts:6: group > fails.*1 !== 2.*\| seen on the way/s);
    assert.deepEqual(outcome.skips.map(({ title, reason }) => `${title}: ${reason}`).sort(), [
      "group > lacks: needs root",
      "says nothing: no reason given",
    ]);
  });

  test("reports a file that cannot be loaded, with what it printed", async () => {
    const outcome = await outcomeOf('throw new Error("out of paper");');
    assert.equal(outcome.counts.failed, 1);
    assert.match(failuresText(outcome), /the file itself.*out of paper/s);
  });

  test("fails a file that does not end, and names the test that was running", async () => {
    const hanging = 'test("waits", () => new Promise(() => setInterval(() => {}, 1000)));';
    const outcome = await outcomeOf(`describe("group", () => { ${hanging} });`, SHORT_MS);
    assert.equal(outcome.counts.failed, 1);
    assert.match(failuresText(outcome), /did not end within 8000 ms.*still running: .*group > waits/s);
  });

  test("fails a file that leaves something open", async () => {
    const outcome = await outcomeOf('test("passes", () => {});\nsetInterval(() => {}, 1000);', SHORT_MS);
    assert.equal(outcome.counts.failed, 1);
    assert.match(failuresText(outcome), /something is open/);
  });

  test("tells what failed in a file that then does not end", async () => {
    const failing = 'test("fails", () => { setInterval(() => {}, 1000); assert.equal(1, 2); });';
    const outcome = await outcomeOf(failing, SHORT_MS);
    assert.equal(outcome.counts.failed, 2);
    assert.match(failuresText(outcome), /fails.*1 !== 2.*something is open: .*Timeout/s);
  });

  test("fails a file that exits before its tests are done", async () => {
    for (const end of ["process.exit(0)", "process.exit(3)", 'process.kill(process.pid, "SIGKILL")']) {
      const outcome = await outcomeOf(`test("ends all", () => { ${end}; });`);
      assert.equal(outcome.counts.failed, 1, end);
    }
  });

  test("does not wait for a process that the tests left behind", async () => {
    const outcome = await outcomeOf(
      `
      import { spawn } from "node:child_process";
      test("leaves one", () => { spawn("sleep", ["20"], { stdio: "inherit" }).unref(); });
    `,
      15_000,
    );
    assert.equal(failuresText(outcome), "");
  });

  test("runs sources of the workspace by their names", async () => {
    // A data URL has no directory of its own, so the name is resolved from here.
    const outcome = await outcomeOf(`
      import { createRequire } from "node:module";
      const resolve = createRequire(${JSON.stringify(join(root, "tools", "x.ts"))}).resolve;
      test("finds the source", () => assert.match(resolve("@orlop/core"), /src.index\\.ts$/));
    `);
    assert.equal(failuresText(outcome), "");
  });

  test("turns a run that breaks into a failure", async () => {
    const runAs = { prefix: ["sh", "-c", "echo broken; exit 3"], env: process.env };
    const outcome = await runTests(root, ["x.test.ts"], { concurrency: 1, fileTimeoutMs: 5000, runAs });
    assert.equal(outcome.counts.failed, 1);
    assert.match(failuresText(outcome), /exit code 3.*broken/s);
  });

  test("runs several files in a process, and tells of each what came of it", async () => {
    const outcome = await outcomeTogether({
      a: 'test("passes", () => { globalThis.process.title = "a"; });',
      b: 'test("fails", () => assert.equal(process.title, "b"));',
      c: 'test("lacks", (t) => t.skip("needs root"));',
    });
    const { tests, passed, failed, skipped } = outcome.counts;
    assert.deepEqual({ tests, passed, failed, skipped }, { tests: 3, passed: 1, failed: 1, skipped: 1 });
    assert.match(failuresText(outcome), /b\.test\.ts:3: fails.*'a' !== 'b'/s);
  });

  test("tells which of several files ends their process", async () => {
    const outcome = await outcomeTogether({
      a: 'test("passes", () => {});',
      b: 'test("ends all", () => process.exit(0));',
    });
    assert.deepEqual([outcome.counts.passed, outcome.counts.failed], [1, 1]);
    assert.match(failuresText(outcome), /b\.test\.ts: the file itself.*ended before its tests did/s);
  });

  test("fails files that end badly only together", async () => {
    const counted =
      'test("is the only one", () => { globalThis.n = (globalThis.n ?? 0) + 1; if (globalThis.n > 1) process.exit(0); });';
    const outcome = await outcomeTogether({ a: counted, b: counted });
    assert.deepEqual([outcome.counts.passed, outcome.counts.failed], [2, 1]);
    assert.match(failuresText(outcome), /together: ended before the tests did/);
  });

  test("runs every file once, whatever the number at once", async () => {
    const runAs = { prefix: ["false"], env: process.env };
    const outcome = await runTests(root, ["a", "b", "c"], { concurrency: 2, fileTimeoutMs: 5000, runAs });
    assert.deepEqual(outcome.times.flatMap(({ files }) => files).toSorted(), ["a", "b", "c"]);
    assert.match(slowestText(outcome), /^ +[0-9.]+ s {2}[abc](\n|$)/);
    assert.deepEqual(outcome.failures.map(({ place }) => place).sort(), ["a", "b", "c"]);
  });
});

describe("the summary of skips", () => {
  test("has a line per reason, the most frequent first", () => {
    const skip = (file: string, reason: string): TestOutcome => ({
      ...emptyOutcome,
      skips: [{ file, title: "t", reason }],
    });
    const outcome = [skip("a.ts", "no qemu"), skip("a.ts", "needs root"), skip("b.ts", "needs root")].reduce(
      addOutcomes,
    );
    assert.equal(skipsText(outcome), "    2  needs root  (a.ts, b.ts)\n    1  no qemu  (a.ts)");
  });
});
