import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { dockerRegistryObstacle, temporaryDirectory } from "@orlop/testkit";
import { bundleCheckout } from "../../build/bundle-checkout.ts";
import type { BenchRow } from "../bench-row.ts";
import { CommandTimer } from "../command-timer.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { BenchRegistry, benchCache } from "../pull/bench-images.ts";
import { OwnPull } from "../pull/own-pull.ts";
import { median } from "../statistics.ts";

const DIFFERENCE: Pick<BenchRow, "name" | "what" | "unit"> = {
  name: "start-from-image",
  what: "what `orlop run --rm` of `true` from a pulled image takes more than from a directory with the same files",
  unit: "ms",
};

/** Issue "Images and root file systems", "Speed". */
const DIFFERENCE_MAX_MS = 1;

/** The command, with the files of a minimal Debian as a pulled image and as a directory. */
export async function firstStartRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  const obstacle = dockerRegistryObstacle() ?? (process.getuid?.() === 0 ? undefined : "needs root");
  if (obstacle !== undefined) return [{ ...DIFFERENCE, ours: undefined, note: obstacle }];
  await bundleCheckout(root);
  using timer = new CommandTimer();
  using directory = temporaryDirectory("start-", benchCache());
  const { reference, rootfs } = await makeBoth(root, timer, directory.path, rounds.signal);
  const env = { PATH: process.env.PATH, HOME: directory.path, ORLOP_ROOT: directory.path };
  const subject = (name: string, image: string): Subject<"time"> => ({
    name,
    once: async () => {
      const argv = [
        join(root, "packages/orlop/bin/orlop"),
        "run",
        "--rm",
        "--pull",
        "never",
        image,
        "--",
        "true",
      ] as const;
      return { time: (await timer.runSuccessfully({ argv, env })).milliseconds };
    },
  });
  const series = await interleave([subject("image", reference), subject("directory", `dir:${rootfs}`)], rounds);
  const [image = Number.NaN, from = Number.NaN] = ["image", "directory"].map((name) =>
    median(series.get(name)?.time ?? []),
  );
  const note = `${image.toFixed(1)} ms and ${from.toFixed(1)} ms`;
  return [{ ...DIFFERENCE, ours: image - from, goal: { of: "ours", max: DIFFERENCE_MAX_MS }, note }];
}

interface PulledImage {
  readonly reference: string;
  readonly rootfs: string;
}

/** A minimal Debian in a store in `directory`, and its files beside that, as tar unpacks them. */
async function makeBoth(
  root: string,
  timer: CommandTimer,
  directory: string,
  signal: AbortSignal,
): Promise<PulledImage> {
  await using registry = await BenchRegistry.start(signal, ["minbase"]);
  const [image] = registry.images;
  if (image === undefined) throw new OrlopError("failed", "Cannot measure starts: there is no image");
  await new OwnPull(root, timer).pull(image, directory);
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs, { mode: 0o755 });
  execFileSync("tar", ["-xzpf", image.layer, "-C", rootfs]);
  return { reference: image.reference, rootfs };
}
