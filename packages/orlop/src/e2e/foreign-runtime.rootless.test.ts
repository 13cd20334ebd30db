import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CommandFixture } from "./command-fixture.ts";

const skip = process.getuid?.() === 0 ? "needs an ordinary user" : false;

let fixture: CommandFixture;
before(() => {
  fixture = new CommandFixture();
});
after(() => fixture[Symbol.dispose]());

test("another runtime is refused to an ordinary user, and nothing is made", { skip }, async () => {
  for (const runtime of ["oci:runc", "shim:io.containerd.runc.v2"]) {
    const { exitCode, stderr } = await fixture.run(["--runtime", runtime, "host", "true"]);
    assert.equal(exitCode, 125);
    assert.equal(stderr, `orlop: Cannot use runtime "${runtime}": it needs root\nTry it as root.\n`);
  }
  assert.deepEqual(fixture.containerIds(), []);
});
