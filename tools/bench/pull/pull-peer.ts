import type { CommandTiming } from "../command-timer.ts";
import type { BenchImage } from "./bench-images.ts";

/** What a pull takes, from the command's start to its end; in milliseconds and kB. */
export interface PullSample {
  readonly time: number;
  /** Of every process that takes part, the registry apart. */
  readonly cpu: number;
  /** The most that one of these processes has resident at a time. */
  readonly memory: number;
}

/** Something that pulls images and makes them ready to run. */
export interface PullPeer {
  readonly name: string;
  /**
   * With an empty store in `directory`, which nothing uses any more in the end.
   *
   * @throws OrlopError where the image could not be run afterwards
   */
  pull(image: BenchImage, directory: string): Promise<PullSample>;
}

/** A pull by one process and those that it has waited for. */
export function sampleOf({ milliseconds, cpuMilliseconds, memoryKb }: CommandTiming): PullSample {
  return { time: milliseconds, cpu: cpuMilliseconds, memory: memoryKb };
}
