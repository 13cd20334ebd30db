import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CommandFixture, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const STATE = "/run/orlop";

/** Rounds of commands that are killed; `ORLOP_DEATHS` asks for more. */
const ROUNDS = Number(process.env.ORLOP_DEATHS ?? 6);

const DOCUMENT = `
apiVersion: v1
kind: Pod
metadata: {name: kube}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  initContainers: [{name: first, image: host, command: ["true"]}]
  containers: [{name: main, image: host, command: [sleep, "1000"], volumeMounts: [{name: e, mountPath: /tmp/orlop-pod-e}]}]
  volumes: [{name: e, emptyDir: {}}]
`;

describe("commands for pods", { skip }, () => {
  let fixture: CommandFixture;
  const noted = new Set<string>();

  before(() => {
    fixture = new CommandFixture();
    writeFileSync(join(fixture.directory, "kube.yaml"), DOCUMENT);
  });
  after(async () => {
    // Of a test that failed, too.
    await fixture.orlop(["pod", "rm", "-fa"]);
    fixture[Symbol.dispose]();
  });

  /** Starts a command in a process group of its own, and kills all of that after a while. */
  const doomed = async (args: readonly string[], lifeMs: number): Promise<void> => {
    const env = { ...process.env, ORLOP_ROOT: fixture.store };
    const child = spawn(LAUNCHER, args, { env, stdio: "ignore", detached: true, cwd: fixture.directory });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await Promise.race([ended, delay(lifeMs)]);
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended, and so has all that it started.
    }
    await ended;
  };
  const orlop = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await fixture.orlop(args);
    assert.equal(exitCode, 0, `orlop ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };

  test("may be killed at any moment: the next ones find out what is there, and nothing is left", async (t) => {
    const beganMs = performance.now();
    await orlop("run", "-d", "--pod", "new:hand", "--name", "hand-one", "host", "sleep", "1000");
    // As long as a command takes here, once alone and twice beside two others.
    const lifeMaxMs = 3 * (performance.now() - beganMs);
    for (let round = 0; round < ROUNDS; round++) {
      const commands = [
        ["play", "kube", "--network", "none", "--replace", "kube.yaml"],
        ["run", "-d", "--pod", "new:hand", "--name", "hand-one", "host", "sleep", "1000"],
        [
          ["pod", "rm", "-f", "hand"],
          ["pod", "restart", "-t", "0", "hand"],
          ["pod", "rm", "-f", "kube"],
          ["pod", "stop", "-t", "0", "-a"],
        ][round % 4] ?? [],
      ];
      await Promise.all(commands.map((args) => doomed(args, Math.random() * lifeMaxMs)));
      const rows = await orlop(
        "pod",
        "ps",
        "--no-trunc",
        "--format",
        "{{.Name}} {{.Status}} {{.ContainerStatuses}} {{.Id}}",
      );
      t.diagnostic(`round ${round}: ${rows.replaceAll(/ [0-9a-f]{64}/g, "").replaceAll("\n", ", ")}`);
      for (const row of rows.split("\n").filter((each) => each !== "")) {
        assert.match(row, /^(hand|kube) (Created|Running|Degraded|Exited) /, "what was begun is done or undone");
        noted.add(row.slice(-64));
      }
      for (const id of (await orlop("ps", "-aq", "--no-trunc")).split("\n")) if (id !== "") noted.add(id);
    }
    for (const name of ["hand", "kube"]) {
      if ((await fixture.orlop(["pod", "exists", name])).exitCode !== 0) continue;
      await orlop("pod", "stop", "-t", "0", name);
      await orlop("pod", "start", name);
    }
    await orlop("pod", "rm", "-fa");
    // Whoever makes one sweeps up after those that did not come about.
    await orlop("pod", "rm", await orlop("pod", "create"));
    await orlop("rm", await orlop("create", "host", "true"));
    assert.equal(await orlop("ps", "-aq"), "");
    assert.deepEqual(await findLeftovers([...noted], STATE), []);
    for (const name of ["pods", "containers"]) assert.deepEqual(readdirSync(join(fixture.store, name)), [], name);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    assert.deepEqual(
      [...noted].filter((id) => mounts.includes(id)),
      [],
    );
  });
});
