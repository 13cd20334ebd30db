import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "@orlop/testkit";
import { bundleCheckout } from "../../build/bundle-checkout.ts";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchRow } from "../bench-row.ts";
import { CommandTimer, type TimedCommand } from "../command-timer.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { median } from "../statistics.ts";

/** Issue "First light", "Speed and size". */
const RATIO_MAX = 2;

function subject(timer: CommandTimer, name: string, command: TimedCommand): Subject<"time"> {
  return {
    name,
    once: async () => ({ time: (await timer.runSuccessfully(command)).milliseconds }),
  };
}

/** The launcher beside the built bundle and without sources: what is published. It finds Node as in the checkout. */
function publishedLauncher(root: string, directory: string): string | undefined {
  const dist = join(root, "packages/orlop/dist");
  if (!existsSync(join(dist, "cli.cjs"))) return undefined;
  const launcher = join(directory, "orlop/bin");
  mkdirSync(join(directory, "orlop"));
  cpSync(join(root, "packages/orlop/bin"), launcher, { recursive: true });
  cpSync(join(root, "packages/orlop/package.json"), join(directory, "orlop/package.json"));
  symlinkSync(dist, join(directory, "orlop/dist"));
  symlinkSync(join(root, "node_modules"), join(directory, "orlop/node_modules"));
  return join(launcher, "orlop");
}

/** One way to start our command. */
interface OwnCommand extends Pick<BenchRow, "name" | "what" | "goal" | "note"> {
  /** Undefined where it cannot be started. */
  readonly command: TimedCommand | undefined;
}

function ownCommands(root: string, directory: string): readonly OwnCommand[] {
  const what = "the command `orlop run --rm host -- true`";
  const goal = { of: "ratio", max: RATIO_MAX } as const;
  const run = (launcher: string): TimedCommand => ({ argv: [launcher, "run", "--rm", "host", "--", "true"] });
  const launcher = join(root, "packages/orlop/bin/orlop");
  const { ORLOP_SOURCES: _, ...env } = process.env;
  const published = publishedLauncher(root, directory);
  return [
    { name: "command", what: `${what}, in a checkout after \`npm ci\``, goal, command: { ...run(launcher), env } },
    {
      name: "command-published",
      what: `${what}, as published`,
      goal,
      command: published === undefined ? undefined : run(published),
      note: published === undefined ? "not built: npm run build" : undefined,
    },
    {
      name: "command-edited",
      what: `${what}, in a checkout whose sources were edited`,
      command: { ...run(launcher), env: { ...env, ORLOP_SOURCES: "1" } },
    },
  ];
}

/** The command from nothing to its end, beside the least that Node can do: ours cannot be quicker than that. */
export async function commandRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  using timer = new CommandTimer();
  using directory = temporaryDirectory("orlop-bench-command-");
  await bundleCheckout(root);
  const own = ownCommands(root, directory.path);
  const nodes = [
    ["node -e 0 (the checkout's Node)", process.execPath],
    ["node -e 0 (the machine's Node)", findProgram("node")],
  ] as const;
  const subjects = [
    ...own.flatMap(({ name, command }) => (command === undefined ? [] : [subject(timer, name, command)])),
    ...nodes.flatMap(([name, node]) => (node === undefined ? [] : [subject(timer, name, { argv: [node, "-e", "0"] })])),
  ];
  const series = await interleave(subjects, rounds);
  const figure = (name: string): number | undefined => {
    const values = series.get(name)?.time;
    return values === undefined ? undefined : median(values);
  };
  return own.flatMap(({ command: _, ...row }) =>
    nodes.map(
      ([peerName, node]): BenchRow => ({
        ...row,
        unit: "ms",
        ours: figure(row.name),
        peerName,
        peer: figure(peerName),
        note: row.note ?? (node === undefined ? "node is not installed" : undefined),
      }),
    ),
  );
}
