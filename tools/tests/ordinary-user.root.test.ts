import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { runCommand } from "../steps/run-command.ts";
import { failuresText } from "./describe-outcome.ts";
import { asOrdinaryUser, ordinaryUserObstacle } from "./ordinary-user.ts";
import { runTests } from "./run-tests.ts";

const user = { uid: 65534, gid: 65534 };
const root = process.cwd();

/** True when the test has been skipped, with the reason. */
async function skipsWithoutUser(t: TestContext, file: string): Promise<boolean> {
  const obstacle = process.getuid?.() === 0 ? await ordinaryUserObstacle(user, file) : "needs root";
  if (obstacle !== undefined) t.skip(obstacle);
  return obstacle !== undefined;
}

describe("starting programs as an ordinary user", () => {
  test("gives them no privilege and directories of their own, which go away", async (t) => {
    if (await skipsWithoutUser(t, "/dev/null")) return;
    const script = `id -u; id -G; grep -c 'Cap\\(Inh\\|Prm\\|Eff\\|Amb\\):.0*$' /proc/self/status; echo "$HOME"
      touch "$HOME/a" "$TMPDIR/b" "$XDG_RUNTIME_DIR/c"`;
    const home = await asOrdinaryUser(user, async ({ prefix, env }) => {
      const [file = "", ...args] = prefix;
      const { exitCode, output } = await runCommand(file, [...args, "sh", "-c", script], { env });
      const [uid, groups, emptySets, homeDirectory] = output.split("\n");
      assert.deepEqual(
        { exitCode, uid, groups, emptySets },
        { exitCode: 0, uid: "65534", groups: "65534", emptySets: "4" },
      );
      return homeDirectory ?? "";
    });
    assert.notEqual(home, "");
    assert.equal(existsSync(home), false);
  });

  test("gives them as much patience as the caller has", async (t) => {
    if (await skipsWithoutUser(t, "/dev/null")) return;
    const given = process.env.ORLOP_TEST_TIME_FACTOR;
    t.after(() => {
      if (given === undefined) delete process.env.ORLOP_TEST_TIME_FACTOR;
      else process.env.ORLOP_TEST_TIME_FACTOR = given;
    });
    process.env.ORLOP_TEST_TIME_FACTOR = "6";
    await asOrdinaryUser(user, async ({ env }) => assert.equal(env.ORLOP_TEST_TIME_FACTOR, "6"));
  });

  test("runs test files as that user", async (t) => {
    if (await skipsWithoutUser(t, join(root, "tools", "test.ts"))) return;
    const directory = mkdtempSync(join(tmpdir(), "orlop-readable-"));
    chmodSync(directory, 0o755);
    const file = join(directory, "x.rootless.test.ts");
    writeFileSync(
      file,
      `import assert from "node:assert/strict"; import { test } from "node:test";
      test("is nobody", () => assert.equal(process.getuid?.(), ${user.uid}));`,
    );
    const options = { concurrency: 1, fileTimeoutMs: 30_000 };
    const outcome = await asOrdinaryUser(user, (runAs) => runTests(root, [file], { ...options, runAs }));
    rmSync(directory, { recursive: true });
    assert.equal(failuresText(outcome), "");
    assert.equal(outcome.counts.passed, 1);
  });

  test("says why when the user cannot read the checkout", async (t) => {
    if (await skipsWithoutUser(t, "/dev/null")) return;
    const directory = mkdtempSync(join(tmpdir(), "orlop-hidden-"));
    const file = join(directory, "x");
    writeFileSync(file, "");
    assert.match((await ordinaryUserObstacle(user, file)) ?? "", /uid 65534\) cannot read this checkout/);
    rmSync(directory, { recursive: true });
  });
});
