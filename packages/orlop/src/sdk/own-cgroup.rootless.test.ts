import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { findLeftovers } from "../e2e/leftovers-fixture.ts";
import { userSystemd } from "../e2e/tested-systemd-fixture.ts";
import { stateDirectory } from "../run/state-directory.ts";

const { env, obstacle } = userSystemd();
const SCRIPT = join(import.meta.dirname, "own-cgroup-script-fixture.ts");
const MEMORY_BYTES = 64 * 1024 * 1024;

interface Seen {
  readonly ids: readonly string[];
  readonly cgroup: string;
}

test("sandboxes and containers have limits where the cgroup of their maker is somebody else's, who stays there", {
  skip: obstacle ?? false,
}, async () => {
  using fixture = new CommandFixture(env);
  const ok = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { exitCode, signal, stdout, stderr } = await fixture.start(program, args);
    assert.deepEqual([exitCode, signal, stderr], [0, null, ""], args.join(" "));
    return stdout.trim();
  };
  const orlop = (...args: readonly string[]): Promise<string> =>
    ok(join(import.meta.dirname, "../../bin/orlop"), ...args);
  const { ids, cgroup, ...seen } = JSON.parse(await ok(process.execPath, "-C", "source", SCRIPT)) as Seen;
  const limits = [`${MEMORY_BYTES}`, "50"];
  assert.deepEqual(seen, {
    sandbox: [limits, "0::/\n", 137, true],
    unlimited: ["max", "max"],
    container: [limits, "0::/\n"],
    // One of each that makes containers, however many.
    scopes: 2,
    isMoved: false,
  });
  await orlop("update", "-m", "128m", "--memory-swap", "256m", "stays");
  assert.equal(readFileSync(`${cgroup}/memory.max`, "utf8").trim(), `${2 * MEMORY_BYTES}`);
  assert.match(await orlop("stats", "--no-stream", "--format", "{{.MemUsage}}", "stays"), /\/ 128MiB$/);
  assert.equal(await orlop("exec", "stays", "echo", "entered"), "entered");
  await orlop("rm", "-f", "stays");
  assert.equal(existsSync(cgroup), false);
  assert.deepEqual(await findLeftovers(ids, stateDirectory(process.getuid?.() ?? 0, env)), []);
});
