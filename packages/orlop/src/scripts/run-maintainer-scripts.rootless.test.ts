import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFixture } from "../e2e/command-fixture.ts";

const skip = process.getuid?.() === 0 ? "needs an ordinary user" : false;

test("maintainer scripts are refused to an ordinary user, before anything is fetched", { skip }, async () => {
  using fixture = new CommandFixture();
  const image = `debian:test?mirror=file://${fixture.directory}/none&scripts=yes`;
  const { exitCode, stderr } = await fixture.orlop(["pull", "--quiet", image]);
  assert.notEqual(exitCode, 0);
  assert.match(
    stderr,
    /Cannot run maintainer scripts of "debian:test.*": they need all users of the image.*\nTry it as root/,
  );
});
