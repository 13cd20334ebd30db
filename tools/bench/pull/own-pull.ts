import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { openStore } from "@orlop/image";
import { openSnapshotter } from "@orlop/snapshot";
import type { CommandTimer } from "../command-timer.ts";
import { OURS } from "../peer-rows.ts";
import type { BenchImage } from "./bench-images.ts";
import { type PullPeer, type PullSample, sampleOf } from "./pull-peer.ts";

/** The command `orlop pull` of this checkout. */
export class OwnPull implements PullPeer {
  readonly name: string = OURS;
  readonly #launcher: string;
  readonly #timer: CommandTimer;

  constructor(root: string, timer: CommandTimer) {
    this.#launcher = join(root, "packages/orlop/bin/orlop");
    this.#timer = timer;
  }

  async pull(image: BenchImage, directory: string): Promise<PullSample> {
    const env = { PATH: process.env.PATH, HOME: directory, ORLOP_ROOT: directory };
    const timing = await this.#timer.runSuccessfully({
      argv: [this.#launcher, "pull", "--quiet", image.reference],
      env,
    });
    if (!(await isUnpacked(directory, image))) {
      throw new OrlopError("failed", `Cannot measure "orlop pull ${image.reference}": it made no root file system`);
    }
    return sampleOf(timing);
  }
}

async function isUnpacked(root: string, { chainId }: BenchImage): Promise<boolean> {
  using store = openStore(root);
  const snapshots = join(root, "snapshots");
  for (const name of existsSync(snapshots) ? readdirSync(snapshots) : []) {
    const snapshotter = await openSnapshotter(name, { directory: join(snapshots, name), database: store.database });
    const known = await Array.fromAsync(snapshotter.walk());
    await snapshotter.close();
    if (known.some(({ key, kind }) => key === chainId && kind === "committed")) return true;
  }
  return false;
}
