import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { dockerRegistryObstacle, temporaryDirectory } from "@orlop/testkit";
import { bundleCheckout } from "../../build/bundle-checkout.ts";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchGoal, BenchRow } from "../bench-row.ts";
import { CommandTimer } from "../command-timer.ts";
import { interleave, type Rounds, type Series, type Subject } from "../interleave.ts";
import { OURS } from "../peer-rows.ts";
import { type BenchImage, BenchRegistry, benchCache } from "../pull/bench-images.ts";
import { ContainerdPull } from "../pull/containerd-pull.ts";
import { OwnPull } from "../pull/own-pull.ts";
import { PodmanPull } from "../pull/podman-pull.ts";
import type { PullPeer, PullSample } from "../pull/pull-peer.ts";
import { mean, median } from "../statistics.ts";

/** Seconds, for each subject. */
const roundsMax = 3;

/** A directory with containerd 2.1, its ctr, and mkfs.erofs 1.8: Debian 12 has none of them. */
const EROFS_PEER = "ORLOP_BENCH_CONTAINERD_EROFS";

type Measure = keyof PullSample;

/** Somebody to compare with, or why there is nobody. */
interface Rival {
  readonly name: string;
  /** Issue "Images and root file systems", "Speed". */
  readonly goal: BenchGoal;
  readonly peer: PullPeer | undefined;
  readonly note?: string;
}

function rivals(timer: CommandTimer): readonly Rival[] {
  const containerd = findProgram("containerd");
  const podman = findProgram("podman");
  const directory = process.env[EROFS_PEER];
  const overlay = "containerd, overlayfs";
  const erofs = "containerd 2.1, erofs";
  return [
    {
      name: overlay,
      goal: { of: "ratio", max: 0.5 },
      peer:
        containerd === undefined
          ? undefined
          : new ContainerdPull({ name: overlay, program: containerd, snapshotter: "overlayfs" }, timer),
      note: "containerd is not installed",
    },
    {
      name: erofs,
      goal: { of: "ratio", max: 0.7 },
      peer:
        directory === undefined
          ? undefined
          : new ContainerdPull({ name: erofs, program: join(directory, "containerd"), snapshotter: "erofs" }, timer),
      note: `${EROFS_PEER} does not say where it is`,
    },
    {
      name: "podman",
      goal: { of: "ratio", max: 0.5 },
      peer: podman === undefined ? undefined : new PodmanPull(podman, timer),
      note: "podman is not installed",
    },
  ];
}

/** Pulls from a registry of this machine into an empty store, until the image could be run. */
export async function pullRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  const obstacle = dockerRegistryObstacle() ?? (process.getuid?.() === 0 ? undefined : "needs root");
  if (obstacle !== undefined) {
    return [{ name: "pull", what: "pull of an image", unit: "s", ours: undefined, note: obstacle }];
  }
  await bundleCheckout(root);
  using timer = new CommandTimer();
  await using registry = await BenchRegistry.start(rounds.signal);
  const found = rivals(timer);
  const rows: BenchRow[] = [];
  for (const image of registry.images) {
    console.error(`Measuring pull of ${image.what}`);
    const peers = [new OwnPull(root, timer), ...found.flatMap(({ peer }) => peer ?? [])];
    const series = await interleave(
      peers.map((peer) => subject(peer, image)),
      { ...rounds, count: Math.min(rounds.count, roundsMax), warmUp: 1 },
    );
    rows.push(...imageRows(image, found, series));
  }
  return rows;
}

function subject(peer: PullPeer, image: BenchImage): Subject<Measure> {
  return {
    name: peer.name,
    async once() {
      using directory = temporaryDirectory("pull-", benchCache());
      // What others have written is not to be waited for in this one's time.
      execFileSync("sync");
      return { ...(await peer.pull(image, directory.path)) };
    },
  };
}

function imageRows(
  { name, what }: BenchImage,
  found: readonly Rival[],
  series: ReadonlyMap<string, Series<Measure>>,
): readonly BenchRow[] {
  const figure = (subject: string, measure: Measure, fold: (values: readonly number[]) => number) => {
    const values = series.get(subject)?.[measure];
    return values === undefined ? undefined : fold(values);
  };
  const seconds = (fold: (values: readonly number[]) => number) => (values: readonly number[]) => fold(values) / 1000;
  const kinds = [
    { suffix: "", what: `pull of ${what}, until it could be run`, measure: "time", unit: "s", fold: seconds(median) },
    { suffix: "-cpu", what: "processor time of the same", measure: "cpu", unit: "s", fold: seconds(mean) },
    {
      suffix: "-memory",
      what: "the most that one process of the same has resident",
      measure: "memory",
      unit: "kB",
      fold: median,
    },
  ] as const;
  return kinds.flatMap((kind) =>
    found.map(
      ({ name: peerName, goal, peer, note }): BenchRow => ({
        name: `pull-${name}${kind.suffix}`,
        what: kind.what,
        unit: kind.unit,
        ours: figure(OURS, kind.measure, kind.fold),
        peerName,
        peer: figure(peerName, kind.measure, kind.fold),
        goal: kind.measure === "time" ? goal : undefined,
        note: peer === undefined ? note : undefined,
      }),
    ),
  );
}
