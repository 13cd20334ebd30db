import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "@orlop/testkit";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchRow } from "../bench-row.ts";
import { CommandTimer, type TimedCommand } from "../command-timer.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { median } from "../statistics.ts";

/** Issue "First light", "Speed and size". */
const RATIO_MAX = 2;

type Argv = TimedCommand["argv"];

function subject(timer: CommandTimer, name: string, argv: Argv): Subject<"time"> {
  return {
    name,
    async once() {
      const { milliseconds, exitCode } = await timer.run({ argv });
      if (exitCode === 0) return { time: milliseconds };
      throw new OrlopError("failed", `Cannot measure "${argv.join(" ")}": it ended with exit code ${exitCode}`);
    },
  };
}

/** The launcher beside the built bundle and without sources: what is published. It finds Node as in the checkout. */
function publishedLauncher(root: string, directory: string): string | undefined {
  const dist = join(root, "packages/orlop/dist");
  if (!existsSync(join(dist, "cli.js"))) return undefined;
  const launcher = join(directory, "orlop/bin");
  mkdirSync(join(directory, "orlop"));
  cpSync(join(root, "packages/orlop/bin"), launcher, { recursive: true });
  cpSync(join(root, "packages/orlop/package.json"), join(directory, "orlop/package.json"));
  symlinkSync(dist, join(directory, "orlop/dist"));
  symlinkSync(join(root, "node_modules"), join(directory, "orlop/node_modules"));
  return join(launcher, "orlop");
}

const WHAT = "the command `orlop run --rm host -- true`";

/** The command from nothing to its end, beside the least that Node can do: ours cannot be quicker than that. */
export async function commandRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  using timer = new CommandTimer();
  using directory = temporaryDirectory("orlop-bench-command-");
  const run = (launcher: string): Argv => [launcher, "run", "--rm", "host", "--", "true"];
  const bundle = publishedLauncher(root, directory.path);
  const systemNode = findProgram("node");
  const own = [
    ["command-source", `${WHAT}, from the checkout's sources`, join(root, "packages/orlop/bin/orlop")],
    ["command-bundle", `${WHAT}, as published`, bundle],
  ] as const;
  const nodes = [
    ["node -e 0 (the checkout's Node)", process.execPath],
    ["node -e 0 (the machine's Node)", systemNode],
  ] as const;
  const subjects = [
    ...own.flatMap(([name, , launcher]) => (launcher === undefined ? [] : [subject(timer, name, run(launcher))])),
    ...nodes.flatMap(([name, node]) => (node === undefined ? [] : [subject(timer, name, [node, "-e", "0"])])),
  ];
  const series = await interleave(subjects, rounds);
  const figure = (name: string): number | undefined => {
    const values = series.get(name)?.time;
    return values === undefined ? undefined : median(values);
  };
  return own.flatMap(([name, what, launcher]) =>
    nodes.map(
      ([peerName, node]): BenchRow => ({
        name,
        what,
        unit: "ms",
        ours: figure(name),
        peerName,
        peer: figure(peerName),
        goal: { of: "ratio", max: RATIO_MAX },
        note:
          launcher === undefined
            ? "not built: npm run build"
            : node === undefined
              ? "node is not installed"
              : undefined,
      }),
    ),
  );
}
