import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFixture } from "../e2e/command-fixture.ts";

test("volumes with names are pruned with --all, and with docker's older words for it", async () => {
  using fixture = new CommandFixture();
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  await ok("volume", "create", "--label", "keep=1", "kept");
  await ok("volume", "create", "named");
  await ok("volume", "prune", "-f");
  await ok("volume", "prune", "-f", "--filter", "label!=keep");
  assert.equal(await ok("volume", "ls", "-q"), "kept\nnamed\n");
  assert.match(
    await ok("volume", "prune", "-f", "--filter", "all=1", "--filter", "label!=keep"),
    /^Deleted Volumes:\nnamed\n\n/,
  );
  assert.equal(await ok("volume", "ls", "-q"), "kept\n");
  const refused = await fixture.orlop(["volume", "prune", "-f", "--filter", "all=perhaps"]);
  assert.match(refused.stderr, /^orlop: Cannot use filter "all=perhaps"/);
});
