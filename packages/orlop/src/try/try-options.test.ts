import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import type { MachineView } from "../run/machine-view.ts";
import { readTryOptions, type Terminals, TRY_FLAGS, type TryOptions } from "./try-options.ts";

const machine: MachineView = {
  cwd: "/here",
  env: { PATH: "/bin", HOME: "/home/me" },
  umask: 0o77,
  cpuCount: 2,
  modules: { apparmor: false, selinux: false },
  uid: 1000,
  gid: 1001,
  rootless: true,
  capabilities: new Set(),
  hostname: "machine",
  home: "/home/me",
  kernelRelease: "6.12.0",
  swapLimits: true,
  thermalThrottleCpus: [],
};
const NO_TERMINAL: Terminals = { command: false, question: false };

function read(args: readonly string[], terminals: Terminals = NO_TERMINAL): TryOptions {
  return readTryOptions(parseFlags(TRY_FLAGS, args), machine, terminals);
}

describe("the flags of try", () => {
  test("leave a command the caller's ids, place, variables and network", () => {
    const { command, run } = read(["-e", "PATH=/else", "--", "make", "--keep", "-j2"]);
    assert.deepEqual(command, ["make", "--keep", "-j2"]);
    assert.deepEqual(run.command, command);
    const { user, workdir, network, tty, interactive, asCaller, autoRemove } = run;
    assert.deepEqual([user, workdir, network.kind], ["1000:1001", "/here", "host"]);
    assert.deepEqual([tty, interactive, asCaller, autoRemove], [false, true, true, true]);
    assert.deepEqual(run.variables, [
      { name: "PATH", value: "/bin" },
      { name: "HOME", value: "/home/me" },
      { name: "PATH", value: "/else" },
    ]);
  });

  test("give it another place, limits, and no network", () => {
    const { run } = read(["-w", "/there", "-m", "64m", "--pids-limit=9", "--network", "none", "true"]);
    assert.deepEqual([run.workdir, run.network.kind, run.hostname], ["/there", "none", "machine"]);
    assert.deepEqual(run.limits.memory?.limit, 64 * 1024 * 1024);
  });

  test("decide on the changes, or leave it to whoever is at the terminal", () => {
    const asked: Terminals = { command: true, question: true };
    const outcomes = [["true"], ["--commit", "true"], ["--discard", "true"], ["--keep", "true"]];
    assert.deepEqual(
      outcomes.map((args) => read(args, asked).outcome),
      ["ask", "commit", "discard", "keep"],
    );
    assert.equal(read(["true"]).outcome, "discard");
    assert.equal(read(["true"], asked).run.tty, true);
  });

  const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /a command is required/],
    [["--commit", "--keep", "true"], /it is one of --commit, --discard and --keep, and not --commit and --keep/],
    [["--network", "bridge", "true"], /invalid argument "bridge" for "--network" flag: there are host and none/],
    [["--format", "table", "true"], /there are text and json/],
    [["-v", "/x:/x", "true"], /unknown shorthand flag/],
    [["--memory", "much", "true"], /invalid argument "much" for "-m, --memory" flag/],
  ];
  for (const [args, message] of refused) {
    test(`are refused: ${args.join(" ")}`, () => assert.throws(() => read(args), { message }));
  }
});
