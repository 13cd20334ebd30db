import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { after, before, describe, test } from "node:test";
import { stateDirectory } from "../run/state-directory.ts";
import { CommandFixture } from "./command-fixture.ts";
import { isolationSuite } from "./isolation-suite-fixture.ts";

const uid = process.getuid?.() ?? 0;
const skip = uid === 0 ? "needs an ordinary user" : false;
isolationSuite({ skip, stateDirectory: uid === 0 ? "" : stateDirectory(uid, process.env) });

describe("a container of an ordinary user", { skip }, () => {
  let fixture: CommandFixture;
  before(() => {
    fixture = new CommandFixture();
  });
  after(() => fixture[Symbol.dispose]());

  test("has its maker as its root, in a user namespace", async () => {
    const { stdout } = await fixture.run([
      "host",
      "sh",
      "-c",
      "cat /proc/self/uid_map /proc/self/setgroups; echo $HOME",
    ]);
    const [map, groups, home] = stdout.trim().split("\n");
    assert.deepEqual(map?.trim().split(/ +/), ["0", String(uid), "1"]);
    assert.equal(groups, "deny");
    assert.equal(home, homedir());
  });

  test("cannot read what its maker cannot", async () => {
    const { exitCode, stderr } = await fixture.run(["host", "cat", "/etc/shadow"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /Permission denied/);
  });

  test("is told what only root can have", async () => {
    const refused: readonly [flags: readonly string[], message: RegExp][] = [
      [["-u", "1"], /has only user 0 and group 0, which are you\nTry it as root\./],
      [["--group-add", "5"], /has only group 0/],
      [["--device", "/dev/null:/dev/x:r"], /no say over access to it/],
      [["--device-cgroup-rule", "c 1:3 r"], /no say over access to devices/],
    ];
    for (const [flags, message] of refused) {
      const { exitCode, stderr } = await fixture.run([...flags, "host", "true"]);
      assert.equal(exitCode, 125);
      assert.match(stderr, message);
    }
  });

  test("gets limits where they are delegated, and is refused them elsewhere", async () => {
    const isDelegated = readFileSync("/proc/self/cgroup", "utf8").startsWith("0::/user.slice/");
    const { exitCode, stderr } = await fixture.run(["-m", "64m", "host", "true"]);
    if (isDelegated && exitCode === 0) return;
    assert.equal(exitCode, 125);
    assert.match(stderr, /Cannot apply linux\.resources\.memory.*\nTry /);
  });
});
