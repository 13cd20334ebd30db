import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { CommandTimer } from "../command-timer.ts";
import type { BenchImage } from "./bench-images.ts";
import { type PullPeer, type PullSample, sampleOf } from "./pull-peer.ts";
import { unmountBelow } from "./unmount-below.ts";

/** podman with its overlay driver; it unpacks in the command's own process. */
export class PodmanPull implements PullPeer {
  readonly name = "podman";
  readonly #program: string;
  readonly #timer: CommandTimer;

  constructor(program: string, timer: CommandTimer) {
    this.#program = program;
    this.#timer = timer;
  }

  async pull({ reference }: BenchImage, directory: string): Promise<PullSample> {
    const places = [
      "--root",
      join(directory, "root"),
      "--runroot",
      join(directory, "run"),
      "--storage-driver",
      "overlay",
    ];
    try {
      const argv = [this.#program, ...places, "pull", "--quiet", "--tls-verify=false", reference] as const;
      const timing = await this.#timer.runSuccessfully({ argv });
      const format = "{{.GraphDriver.Name}}";
      const driver = execFileSync(this.#program, [...places, "image", "inspect", "--format", format, reference], {
        encoding: "utf8",
      });
      if (driver.trim() === "overlay") return sampleOf(timing);
      throw new OrlopError(
        "failed",
        `Cannot measure podman: it unpacked with "${driver.trim()}", and not with overlay`,
      );
    } finally {
      unmountBelow(directory);
    }
  }
}
