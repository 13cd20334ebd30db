import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { OrlopError, type Stdio } from "@orlop/core";
import type { Report } from "@orlop/kernel";
import { ContainerDirectory } from "../../process/container-directory.ts";
import { FollowedProgram } from "../../process/followed-program.ts";
import type { ZygoteLike } from "../../process/own-zygote.ts";
import type { HostView } from "../../process/supervision.ts";
import { compileStreams, INPUT_ENDED, type Stream } from "./compile-streams.ts";

interface StreamsRequest {
  readonly host: HostView;
  readonly zygote: ZygoteLike;
  /** It exists, and is ours. */
  readonly directory: string;
  readonly stdio: Stdio;
  readonly terminal: boolean;
  readonly detached: boolean;
  /** They are an exec's. */
  readonly adopts: boolean;
  /** The input has ended: whoever speaks to the shim is to tell it. */
  readonly onInputEnd: () => void;
}

/** What a shim is told of the streams of a process: paths of FIFOs, empty for those that there are not. */
interface StreamPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is passed on is waited for no longer than this after the end of the process: others may have it open. */
const REST_TIME_MAX_MS = 2_000;

/** The streams of a process in a shim, as a program beside it passes them on. */
export class ShimStreams {
  readonly paths: StreamPaths;
  readonly #directory: ContainerDirectory;

  private constructor(directory: string, streams: readonly Stream[]) {
    this.#directory = new ContainerDirectory(directory);
    const path = (stream: Stream): string => (streams.includes(stream) ? join(directory, String(stream)) : "");
    this.paths = { stdin: path(0), stdout: path(1), stderr: path(2) };
  }

  /** Those of a process that another runtime object has started. */
  static of(directory: string): ShimStreams {
    return new ShimStreams(directory, []);
  }

  /** Resolves when the FIFOs are there. Leaves nothing on failure. */
  static async open(request: StreamsRequest): Promise<ShimStreams> {
    const { host, zygote, directory, stdio, terminal, detached, adopts } = request;
    if (stdio.consoleSocket !== undefined) {
      throw new OrlopError(
        "unsupported",
        `Cannot use console socket "${stdio.consoleSocket}": a shim keeps its terminals`,
      );
    }
    const wanted = [stdio.stdin, stdio.stdout, terminal ? "null" : stdio.stderr];
    const streams = ([0, 1, 2] as const).filter((stream) => wanted[stream] !== "null");
    if (terminal) writeFileSync(join(directory, "terminal"), "", { mode: 0o600 });
    if (streams.length === 0 && !adopts) return new ShimStreams(directory, streams);
    const program = compileStreams({
      host,
      stateDirectory: directory,
      stdio,
      terminal: false,
      detached,
      streams,
      adopts,
    });
    const followed = new FollowedProgram(program, ({ index }: Report) => {
      if (index === INPUT_ENDED) request.onInputEnd();
    });
    zygote.submit(program, followed.onReport);
    await followed.created.promise;
    return new ShimStreams(directory, streams);
  }

  /** The shim has opened its side, and the process has this pid; 0 when nobody knows it. */
  begin(pid: number): void {
    this.#directory.tryCommand("begin", pid);
  }

  /** The shim will write no more: when what there is has been passed on, this is the end. */
  leave(): void {
    this.#directory.tryCommand("leave");
  }

  /** Ends at once, whatever has not been passed on. */
  drop(): void {
    this.#directory.tryCommand("signal", constants.signals.SIGKILL);
  }

  /** Resolves when all that the process has said is passed on, as far as that ends soon. */
  async rest(): Promise<void> {
    await this.#directory.waitForReaper(AbortSignal.timeout(REST_TIME_MAX_MS)).catch(() => {});
  }

  /** Resolves when everything has been passed on, however long that takes. */
  async end(): Promise<void> {
    await this.#directory.waitForReaper().catch(() => {});
  }
}
