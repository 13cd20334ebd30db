import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFixture, LAUNCHER } from "./command-fixture.ts";
import { trySuite } from "./try-suite-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

trySuite({ skip, stateDirectory: "/run/orlop" });

test("what is written to other file systems is captured, and those that are read-only stay so", { skip }, async () => {
  using fixture = new CommandFixture();
  // In a mount namespace of its own: nobody else sees these.
  const prepare =
    "mount -t tmpfs none /mnt && cd /mnt && echo old >file && mkdir fixed && mount -t tmpfs -o ro none fixed";
  const command = "echo new >file; mkdir in; echo x >in/x; touch /orlop-try; touch fixed/x 2>/dev/null || echo refused";
  const script = `${prepare} && "$1" try --output changes "$2" sh -c '${command}' && cat file; cat changes in/x`;
  const run = (flag: string): ReturnType<typeof fixture.start> =>
    fixture.start("unshare", ["-m", "sh", "-c", script, "sh", LAUNCHER, flag]);
  const { stdout } = await run("--discard");
  assert.equal(stdout, "refused\nold\nC /mnt/file\nA /mnt/in\nA /mnt/in/x\nA /orlop-try\n");
  const committed = await run("--commit").finally(() => fixture.start("rm", ["-f", "/orlop-try"]));
  assert.equal(committed.stdout, "refused\nnew\nC /mnt/file\nA /mnt/in\nA /mnt/in/x\nA /orlop-try\nx\n");
});
