import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findImage, type MachineImage } from "./image-cache.ts";
import { imageName, imageRecipe } from "./image-recipe.ts";
import { type MachineEnd, type MachineRun, machineObstacle, runInMachine } from "./run-in-machine.ts";

const root = process.cwd();

/** The image when a machine can be started here; building one is left to whoever wants it. */
function imageOrSkip(t: TestContext): MachineImage | undefined {
  const obstacle = machineObstacle();
  const image = findImage(imageName(imageRecipe(root)));
  if (obstacle === undefined && image !== undefined) return image;
  t.skip(obstacle ?? "needs the test machine's image: npm run test:v2");
  return undefined;
}

interface Told extends MachineEnd {
  readonly output: readonly string[];
  readonly results: readonly string[];
}

async function told(image: MachineImage, command: string, options: Partial<MachineRun> = {}): Promise<Told> {
  const [output, results]: [string[], string[]] = [[], []];
  const end = await runInMachine({
    ...{ image, root, command, silenceMaxMs: 500_000, signal: new AbortController().signal },
    ...{ onOutput: (line: string) => output.push(line), onResult: (line: string) => results.push(line) },
    ...options,
  });
  return { ...end, output, results };
}

const command = `
  id -u
  cat /proc/1/comm
  stat -f -c %T /sys/fs/cgroup
  findmnt -n -o FSTYPE /checkout
  sh tools/node -p 'process.version' >/dev/virtio-ports/results
  echo complaint >&2
  exit 7`;

describe("the test machine", () => {
  test("runs a command as root under systemd and version 2 of cgroups, and tells its end", async (t) => {
    const image = imageOrSkip(t);
    if (image === undefined) return;
    const { exitCode, consoleLog, output, results } = await told(image, command);
    assert.deepEqual(output, ["0", "systemd", "cgroup2fs", "erofs", "complaint"]);
    assert.deepEqual({ exitCode, results }, { exitCode: 7, results: [process.version] });
    assert.match(readFileSync(consoleLog ?? "", "utf8"), /Linux version/);
    rmSync(dirname(consoleLog ?? ""), { recursive: true });
  });

  test("is ended when it says nothing for too long", async (t) => {
    const image = imageOrSkip(t);
    if (image === undefined) return;
    const { exitCode, consoleLog } = await told(image, "exit 0", { silenceMaxMs: 1 });
    assert.equal(exitCode, undefined);
    if (consoleLog !== undefined) rmSync(dirname(consoleLog), { recursive: true });
  });

  test("is ended when its user goes away", async (t) => {
    const image = imageOrSkip(t);
    if (image === undefined) return;
    await assert.rejects(told(image, "exit 0", { signal: AbortSignal.timeout(1) }), { name: "TimeoutError" });
  });
});
