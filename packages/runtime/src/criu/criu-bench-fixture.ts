import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { RuntimeSpec } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import {
  assertNoLeakSince,
  baseSpec,
  criuObstacle,
  makeBusyboxRootfs,
  snapshotKernelState,
  temporaryDirectory,
} from "@orlop/testkit";
import type { Hands } from "../oci/hands.ts";
import type { OciCheckpoint, OciCreate, OciRestore, OciState } from "../oci/oci-containers.ts";
import { OrphanContainers } from "../oci/orphan-containers.ts";
import { ContainerDirectory } from "../process/container-directory.ts";
import { signalProcess } from "../process/end-process.ts";
import { readHostView } from "../process/host-view.ts";
import { PinnedProcess } from "../process/pinned-process.ts";
import { bounded, rootObstacle, type SpecChanges, until } from "../process/process-bench-fixture.ts";

/** Counts the lines that it reads from /in, and says how many it has had and the last one, each on /out. */
export const COUNTER = 'exec 3<>/in; i=0; while read line <&3; do i=$((i+1)); echo "$i $line" >/out; done';

/** Sends what it reads from /in round through a connection, to /out. */
export const ECHO =
  "busybox nc -l -p 7000 -e cat & exec 3<>/in 4<>/out; until busybox nc 127.0.0.1 7000 <&3 >&4; do :; done";

let benches = 0;

/** What a test of checkpoints works with: containers as the command makes them, without standard streams. */
class CriuBench implements AsyncDisposable {
  readonly mark: string = `orlop-criu-${process.pid}-${++benches}`;
  readonly directory: string;
  readonly rootfs: string;
  readonly containers: OrphanContainers;
  readonly env: Record<string, string> = { PATH: process.env.PATH ?? "" };
  readonly hands: Hands;
  readonly #stack = new AsyncDisposableStack();
  readonly #out: number;
  /** Of all containers that were started. */
  readonly ids: string[] = [];

  constructor() {
    this.directory = this.#stack.use(temporaryDirectory("orlop-criu-")).path;
    this.rootfs = join(this.directory, "rootfs");
    makeBusyboxRootfs(this.rootfs);
    for (const name of ["in", "out"]) execFileSync("mkfifo", [join(this.rootfs, name)]);
    this.#out = openSync(join(this.rootfs, "out"), constants.O_RDWR | constants.O_NONBLOCK);
    this.#stack.defer(() => closeSync(this.#out));
    const zygote = Zygote.start({ stdio: "ignore" });
    this.#stack.defer(() => zygote.close());
    const refuse = (): never => {
      throw new Error("this test has no foreground");
    };
    this.hands = {
      get alive() {
        return zygote.alive;
      },
      submit: (program, onReport) => zygote.submit(program, onReport),
      become: refuse,
      release: refuse,
      descriptor: refuse,
      close: () => {},
    };
    this.containers = new OrphanContainers({
      root: join(this.directory, "state"),
      hands: this.hands,
      callerPid: process.pid,
      env: {},
      cgroupDriver: "cgroupfs",
      rootless: undefined,
      warn: () => {},
      debug: () => {},
    });
  }

  /** Resolves when the zygote stands, with all that it has open. */
  async ready(): Promise<void> {
    using self = PinnedProcess.open(process.pid, Number.POSITIVE_INFINITY);
    assert(self !== undefined);
    await signalProcess({ zygote: this.hands, host: readHostView() }, self, 0);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  get images(): string {
    return this.path("images");
  }

  /** A container that runs this script. */
  async start(script: string, changes: SpecChanges = {}, more: Partial<OciCreate> = {}): Promise<OciCreate> {
    const id = `${this.mark}-${this.ids.length + 1}`;
    this.ids.push(id);
    this.#stack.defer(() => bounded(`deleting ${id}`, this.remove(id)));
    const request: OciCreate = {
      id,
      bundle: this.directory,
      spec: this.spec(id, script, changes),
      directories: [],
      noPivot: false,
      noNewKeyring: false,
      preserveFds: 0,
      keepGroups: false,
      ...more,
    };
    await this.containers.create(request);
    await this.containers.start(id);
    return request;
  }

  spec(id: string, script: string, { process, linux, top }: SpecChanges): RuntimeSpec {
    const base = baseSpec({ id });
    return {
      ...base,
      ...top,
      ...(base.process === undefined ? {} : { process: { ...base.process, args: ["sh", "-c", script], ...process } }),
      linux: { ...base.linux, ...linux },
    };
  }

  async checkpoint(request: OciCreate, choices: Partial<OciCheckpoint> = {}): Promise<void> {
    const { id } = request;
    const dump = this.containers.checkpoint({ id, env: this.env, imagePath: this.images, ...choices });
    await bounded("the checkpoint", dump);
  }

  async restore(request: OciCreate, choices: Partial<OciRestore> = {}): Promise<OciState> {
    const whole = { ...request, env: this.env, imagePath: this.images, detach: true, keep: false, subreaper: false };
    await bounded("the restore", this.containers.restore({ ...whole, ...choices }));
    return await this.containers.state(request.id);
  }

  /** Says a line to a container's program, and hears its answer. */
  async ask(line: string): Promise<string> {
    await until("somebody to say a line to", () => {
      // A thread that waited for a reader could not be stopped.
      const input = openWithoutWaiting(join(this.rootfs, "in"));
      if (input === undefined) return undefined;
      writeSync(input, `${line}\n`);
      closeSync(input);
      return true;
    });
    let answer = "";
    return await until("the answer", () => {
      answer += readAvailable(this.#out);
      return answer.endsWith("\n") ? answer.trimEnd() : undefined;
    });
  }

  async status({ id }: OciCreate): Promise<string> {
    return (await this.containers.state(id)).status;
  }

  async remove(id: string): Promise<void> {
    try {
      await this.containers.delete(id, { force: true });
    } catch (error) {
      if ((error as { readonly code?: string }).code !== "not-found") throw error;
    }
  }

  /** A program that is found as criu before the real one. */
  standIn(script: string): void {
    const path = this.path("criu");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    this.env.PATH = `${this.directory}:${this.env.PATH}`;
  }

  /** The file that lists a container's processes, in the hierarchy that every one of them is in. */
  processesFile(id: string): string {
    const { cgroups } = new ContainerDirectory(join(this.path("state"), id)).record(id);
    return join(cgroups[0]?.path ?? "", "cgroup.procs");
  }

  /** Nothing of a container is there. */
  async isGone(id: string): Promise<void> {
    await assert.rejects(this.containers.state(id), { code: "not-found" });
    assert.deepEqual(readdirSync(this.path("state")), []);
  }

  /** The process that traces init: criu while it dumps. */
  tracerOf(pid: number): number | undefined {
    const [, tracer] = /^TracerPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(tracer) === 0 ? undefined : Number(tracer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A pipe to write to, or undefined as long as nobody reads. */
function openWithoutWaiting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}

const ANSWER_BYTES_MAX = 4096;

/** What there is to read at this moment. */
function readAvailable(fd: number): string {
  const bytes = Buffer.alloc(ANSWER_BYTES_MAX);
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}

type BenchWork = (bench: CriuBench) => Promise<void>;

/** Runs a test with a bench, and sees to it that nothing is left of it. Skips where criu does not work. */
export async function withCriu(t: TestContext, work: BenchWork, feature?: string): Promise<void> {
  const obstacle = criuObstacle() ?? (feature === undefined ? undefined : criuObstacle(feature));
  if (obstacle !== undefined) return t.skip(obstacle);
  await withBench(work);
}

/** The same without criu. */
export async function withContainers(t: TestContext, work: BenchWork): Promise<void> {
  const obstacle = rootObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  await withBench(work);
}

async function withBench(work: BenchWork): Promise<void> {
  const bench = new CriuBench();
  await bench.ready();
  const before = snapshotKernelState({
    mark: bench.mark,
    directories: [bench.directory],
    keptDirectories: [bench.path("state")],
  });
  try {
    await work(bench);
    for (const id of bench.ids) await bench.remove(id);
    await assertNoLeakSince(before);
  } finally {
    await bench[Symbol.asyncDispose]();
  }
}
