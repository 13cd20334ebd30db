import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandFixture } from "./command-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

/** Its size in bytes, all of which is taken. */
const FULL_BYTES = 4096;

const CONTAINERS = "/run/orlop/containers";

/** Whether a container has this host name. Those of others come and go meanwhile. */
function isOf(hostname: string, id: string): boolean {
  const file = join(CONTAINERS, id, "container.json");
  return existsSync(file) && readFileSync(file, "utf8").includes(hostname);
}

test("a container does not outlive a failure after its start", { skip }, async () => {
  using fixture = new CommandFixture();
  const full = join(fixture.directory, "full");
  mkdirSync(full);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${FULL_BYTES}`, "full", full]);
  try {
    writeFileSync(join(full, "file"), Buffer.alloc(FULL_BYTES));
    // The id cannot be written, and by then the container runs.
    const name = `left-${process.pid}`;
    const { exitCode, stderr } = await fixture.orlop([
      ...["run", "--cidfile", join(full, "id"), "-h", name, "host", "sleep", "60"],
    ]);
    assert.match(stderr, /ENOSPC|no space left/);
    assert.equal(exitCode, 125);
    assert.deepEqual(readdirSync(full), ["file"]);
    const made = readdirSync(CONTAINERS).filter((id) => isOf(name, id));
    assert.deepEqual(made, []);
  } finally {
    execFileSync("umount", [full]);
  }
});
