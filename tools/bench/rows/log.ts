import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Zygote } from "@orlop/kernel";
import { startLogPump } from "@orlop/runtime/log";
import { temporaryDirectory } from "@orlop/testkit";
import { findProgram } from "../../steps/find-program.ts";
import { type Bundle, bundleWith } from "../bench-bundles.ts";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { startConmon } from "../conmon.ts";
import { Containerd } from "../containerd.ts";
import { cpuTimeOf } from "../cpu-time.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import type { OciPeer } from "../oci-peer.ts";
import { expectSuccess } from "../own-container.ts";
import { OURS } from "../peer-rows.ts";
import { mean, median } from "../statistics.ts";

const CONMON = "conmon";
const CONTAINERD = "containerd";

const MEGABYTES = 256;
/** Shorter ones would have the peers write far more than they are given. */
const LINE = `${"x".repeat(127)}\n`;
/** What a container has to say, in its root file system: what makes lines as it goes is slower than all that takes them. */
const LINES_FILE = "lines";
const roundsMax = 10;

/** The tick of the kernel's clock for processor time. */
const tickMs = 10;

type Measure = "time" | "cpu";

interface LogPlace {
  readonly place: BenchPlace;
  readonly bundle: Bundle;
  /** Where logs go, on a disk. */
  readonly directory: string;
}

/** Waits for the end of a process, and gives the processor time that it has taken, as far as ticks tell. */
async function untilGone(pid: number): Promise<number> {
  let cpu = 0;
  for (; existsSync(`/proc/${pid}`); await sleep(tickMs / 2)) {
    try {
      cpu = cpuTimeOf(pid);
    } catch {
      // It ended just now.
    }
  }
  return cpu;
}

/** A pump, from the start of the container to its end. */
function ours({ place, bundle, directory }: LogPlace, zygote: Zygote): Subject<Measure> {
  return {
    name: OURS,
    async once() {
      const own = join(directory, OURS);
      mkdirSync(own);
      const file = join(own, "log");
      const pump = await startLogPump(zygote, { directory: own, stdin: false, terminal: false, file });
      const [stdout, stderr] = ["stdout", "stderr"].map((name) => ({ path: join(own, name) }));
      const stdio = { stdin: "null", stdout: stdout ?? "null", stderr: stderr ?? "null" } as const;
      const request = place.request(bundle, { stdio, detached: true });
      await place.runtime.create(request);
      const start = performance.now();
      await place.runtime.start(request.id);
      const cpu = await untilGone(pump.pid);
      const time = performance.now() - start;
      expectSuccess(request.id, await place.runtime.wait(request.id));
      await place.runtime.delete(request.id);
      rmSync(own, { recursive: true });
      return { time, cpu };
    },
  };
}

function conmons({ place, bundle, directory }: LogPlace, conmon: string, runtime: OciPeer): Subject<Measure> {
  return {
    name: CONMON,
    async once() {
      const file = join(directory, "conmon.log");
      const log = `k8s-file:${file}`;
      const { id, pid } = await startConmon(place, { conmon, runtime, bundle: bundle.path, log });
      const start = performance.now();
      await runtime.start(id);
      const cpu = await untilGone(pid);
      const time = performance.now() - start;
      await runtime.delete(id);
      rmSync(file);
      return { time, cpu };
    },
  };
}

/** The whole `run`, of which the container's own part is most. */
function containerds({ place, bundle, directory }: LogPlace, { command }: Containerd): Subject<Measure> {
  return {
    name: CONTAINERD,
    async once() {
      const file = join(directory, "containerd.log");
      const id = place.newId();
      const options = ["--rm", `--log-uri=file://${file}`, `--cgroup=/${place.mark}/${id}`, "--rootfs"];
      const root = bundle.spec.root?.path ?? "";
      const argv = [...command, "run", ...options, root, id, ...(bundle.spec.process?.args ?? [])] as const;
      const { milliseconds, exitCode } = await place.timer.run({ argv });
      expectSuccess(id, { exitCode, signal: undefined, oomKilled: false, exitedAtMs: 0, usage: undefined });
      rmSync(file);
      return { time: milliseconds, cpu: 0 };
    },
  };
}

/** A container that writes as fast as it can, and what takes its output, to the last byte in the log. */
export async function logRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  using temporary = temporaryDirectory("orlop-bench-log-");
  const bundle = bundleWith(join(temporary.path, "bundle"), place.ending, ["/bin/cat", `/${LINES_FILE}`]);
  const logs: LogPlace = { place, bundle, directory: temporary.path };
  await using stack = new AsyncDisposableStack();
  const lines = join(bundle.spec.root?.path ?? "", LINES_FILE);
  stack.defer(() => rmSync(lines));
  writeFileSync(lines, LINE.repeat((MEGABYTES * 2 ** 20) / LINE.length));
  const zygote = stack.adopt(Zygote.start(), (each) => each.close());
  const [conmon, ctr] = [findProgram("conmon"), findProgram("ctr")];
  const [runtime] = place.peers;
  const subjects = [ours(logs, zygote)];
  if (conmon !== undefined && runtime !== undefined) subjects.push(conmons(logs, conmon, runtime));
  if (ctr !== undefined) {
    subjects.push(containerds(logs, stack.use(await Containerd.start(place, { name: "log", ctr }))));
  }
  const series = await interleave(subjects, { ...rounds, count: Math.min(rounds.count, roundsMax), warmUp: 1 });
  const figure = (name: string, measure: Measure): number | undefined => {
    const values = series.get(name)?.[measure];
    return values === undefined ? undefined : measure === "time" ? median(values) : mean(values);
  };
  const row = (name: string, what: string, measure: Measure, peerName: string): BenchRow => ({
    name,
    what,
    unit: "ms",
    ours: figure(OURS, measure),
    peerName,
    peer: figure(peerName, measure),
    note: figure(peerName, measure) === undefined ? `${peerName} is not installed` : undefined,
  });
  const amount = `${MEGABYTES} MB of lines`;
  return [
    row("log", `a container that writes ${amount}, until they are in its log; conmon's as k8s-file`, "time", CONMON),
    row("log-cpu", "processor time of the pump for the same; of conmon", "cpu", CONMON),
    row(
      "log-containerd",
      `the same beside the whole \`run\` by containerd, whose shim copies to a file`,
      "time",
      CONTAINERD,
    ),
  ];
}
