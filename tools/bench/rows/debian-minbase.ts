import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "@orlop/testkit";
import { bundleCheckout } from "../../build/bundle-checkout.ts";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchRow } from "../bench-row.ts";
import { CommandTimer, type TimedCommand } from "../command-timer.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { OURS } from "../peer-rows.ts";
import { benchCache } from "../pull/bench-images.ts";
import { type PullSample, sampleOf } from "../pull/pull-peer.ts";
import { mean, median } from "../statistics.ts";

const PEER = "mmdebstrap";
const roundsMax = 1;
const NOTE =
  "mmdebstrap writes an archive and runs the scripts of the packages, ours are unpacked to be run and not configured";

type Measure = "time" | "cpu";

type TimedOne = [name: string, commandIn: (directory: string) => TimedCommand];

/** A minimal Debian of this machine's suite out of its mirror, with nothing kept from before. */
export async function debianMinbaseRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  const row = { name: "debian-minbase", what: "a minimal Debian, from the packages of its mirror", unit: "s" } as const;
  const suite = ownSuite();
  const program = findProgram(PEER);
  const obstacle =
    suite === undefined ? "this machine is not Debian" : process.getuid?.() === 0 ? undefined : "needs root";
  if (suite === undefined || obstacle !== undefined) return [{ ...row, ours: undefined, note: obstacle }];
  await bundleCheckout(root);
  using timer = new CommandTimer();
  const commands: readonly TimedOne[] = [
    [OURS, (directory) => ownCommand(root, suite, directory)],
    ...(program === undefined ? [] : [[PEER, peerCommand.bind(undefined, program, suite)] satisfies TimedOne]),
  ];
  const series = await interleave(
    commands.map(([name, commandIn]): Subject<keyof PullSample> => ({ name, once: () => once(timer, commandIn) })),
    { ...rounds, count: Math.min(rounds.count, roundsMax), warmUp: 1 },
  );
  const figure = (name: string, measure: Measure): number | undefined => {
    const values = series.get(name)?.[measure];
    return values === undefined ? undefined : (measure === "time" ? median : mean)(values) / 1000;
  };
  const figures = (measure: Measure) => ({
    ours: figure(OURS, measure),
    peerName: PEER,
    peer: figure(PEER, measure),
    note: program === undefined ? "mmdebstrap is not installed" : NOTE,
  });
  return [
    // Issue "Images and root file systems".
    { ...row, ...figures("time"), goal: { of: "ratio", max: 1 } },
    { ...row, name: `${row.name}-cpu`, what: "processor time of the same", ...figures("cpu") },
  ];
}

async function once(timer: CommandTimer, commandIn: (directory: string) => TimedCommand): Promise<PullSample> {
  using directory = temporaryDirectory("debian-", benchCache());
  return sampleOf(await timer.runSuccessfully(commandIn(directory.path)));
}

function ownCommand(root: string, suite: string, directory: string): TimedCommand {
  return {
    argv: [join(root, "packages/orlop/bin/orlop"), "pull", "--quiet", `debian:${suite}?variant=minbase`],
    env: { PATH: process.env.PATH, HOME: directory, ORLOP_ROOT: directory },
  };
}

/** With the machine's own sources of the suite, as ours; without them it would ask a mirror of the world. */
function peerCommand(program: string, suite: string, directory: string): TimedCommand {
  const options = ["--mode=root", "--variant=minbase", "--quiet"];
  return {
    argv: [program, ...options, suite, join(directory, "root.tar"), ...sourceFiles(suite)],
    env: { PATH: process.env.PATH, HOME: directory, TMPDIR: directory },
  };
}

function sourceFiles(suite: string): readonly string[] {
  const parts = "/etc/apt/sources.list.d";
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(?:list|sources)$/.test(name)) : [];
  const paths = ["/etc/apt/sources.list", ...names.sort().map((name) => join(parts, name))];
  // Those of others would have it fetch more than ours does.
  const isOfSuite = (path: string): boolean => readFileSync(path, "utf8").split(/\s+/).includes(suite);
  return paths.filter((path) => existsSync(path) && isOfSuite(path));
}

function ownSuite(): string | undefined {
  const path = "/etc/os-release";
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return /^ID=debian$/m.test(text) ? /^VERSION_CODENAME=(\S+)$/m.exec(text)?.[1] : undefined;
}
