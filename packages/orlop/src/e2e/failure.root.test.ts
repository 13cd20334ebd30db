import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandFixture } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

/** Its size in bytes, all of which is taken. */
const FULL_BYTES = 4096;

const CONTAINERS = "/run/orlop/containers";

test("a container does not outlive a failure after its start", { skip }, async () => {
  using fixture = new CommandFixture();
  mkdirSync(CONTAINERS, { recursive: true, mode: 0o700 });
  const full = join(fixture.directory, "full");
  mkdirSync(full);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${FULL_BYTES}`, "full", full]);
  try {
    writeFileSync(join(full, "file"), Buffer.alloc(FULL_BYTES));
    const before = readdirSync(CONTAINERS);
    // The id cannot be written, and by then the container runs.
    const { exitCode, stderr } = await fixture.orlop([
      "run",
      "--rm",
      "--cidfile",
      join(full, "id"),
      "host",
      "sleep",
      "60",
    ]);
    assert.match(stderr, /ENOSPC|no space left/);
    assert.equal(exitCode, 125);
    assert.deepEqual(readdirSync(full), ["file"]);
    const made = readdirSync(CONTAINERS).filter((id) => !before.includes(id));
    // Containers of others come and go meanwhile.
    assert.deepEqual(await findLeftovers(made, "/run/orlop"), []);
  } finally {
    execFileSync("umount", [full]);
  }
});
