import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import { type NamespaceChoices, readNamespaceChoices } from "./namespace-options.ts";
import { RUN_FLAGS } from "./run-flags.ts";

const read = (...args: readonly string[]): NamespaceChoices => readNamespaceChoices(parseFlags(RUN_FLAGS, args), false);

describe("namespaces", () => {
  test("are the container's own unless somebody says otherwise", () => {
    assert.deepEqual(read(), {});
    assert.deepEqual(read("--pid=", "--ipc=private", "--uts=", "--cgroupns=private", "--userns="), {});
  });

  test("are this machine's, or another container's", () => {
    assert.deepEqual(read("--pid=host", "--ipc=host", "--uts=host", "--cgroupns=host", "--userns=host"), {
      pid: "host",
      ipc: "host",
      uts: "host",
      cgroup: "host",
      user: "host",
    });
    const web = { container: "web" };
    assert.deepEqual(read("--pid", "container:web", "--ipc", "container:web"), { pid: web, ipc: web });
    assert.deepEqual(read("--ipc", "shareable"), { ipc: "shareable" });
    assert.deepEqual(read("--ipc", "none"), { ipc: "none" });
  });

  const refused: readonly [flag: string, message: RegExp][] = [
    ["--pid=nope", /^--pid: invalid PID mode$/],
    ["--pid=container:", /^--pid: invalid PID mode$/],
    ["--ipc=nope", /^invalid IPC mode: nope$/],
    ["--uts=container:web", /^--uts: invalid UTS mode$/],
    ["--cgroupns=nope", /^--cgroupns: invalid CGROUP mode$/],
    ["--userns=nope", /^--userns: invalid USER mode$/],
    ["--userns=keep-id", /^Cannot use flag "--userns": root's containers have this machine's user namespace: host$/],
  ];
  for (const [flag, message] of refused) {
    test(`are refused in docker's words: ${flag}`, () => assert.throws(() => read(flag), { message }));
  }

  test("of this machine's host name go with no other name", () => {
    const message = "conflicting options: hostname and the UTS mode";
    assert.throws(() => read("--uts=host", "--hostname=other"), { message });
  });

  test("of users are this machine's for root alone", () => {
    const flags = parseFlags(RUN_FLAGS, ["--userns=host"]);
    assert.throws(() => readNamespaceChoices(flags, true), {
      code: "unsupported",
      message: /a user namespace of their own/,
    });
  });
});
