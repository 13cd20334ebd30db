import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type CreateRequest,
  LABEL_GC_PROCESS,
  LABEL_GC_REF_CONTENT,
  OrlopError,
  parsePlatform,
  type RootFilesystem,
  type Snapshotter,
} from "@orlop/core";
import { leaseOwner, openStore, readStoredImage, type Store, type StoredImage } from "@orlop/image";
import { hostArchitecture, ownProcessMark, Zygote } from "@orlop/kernel";
import { ProcessRuntime } from "@orlop/runtime";
import { openSnapshotter, rootFilesystem } from "@orlop/snapshot";
import { dockerRegistryObstacle, temporaryDirectory, tryLoopDisk } from "@orlop/testkit";
import { bundleCheckout } from "../../build/bundle-checkout.ts";
import { benchSpec } from "../bench-bundles.ts";
import type { BenchRow } from "../bench-row.ts";
import { CommandTimer } from "../command-timer.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { expectSuccess } from "../own-container.ts";
import { OwnDaemon } from "../own-daemon.ts";
import { BenchRegistry, benchCache } from "../pull/bench-images.ts";
import { OwnPull } from "../pull/own-pull.ts";
import { median } from "../statistics.ts";

type RowHead = Pick<BenchRow, "name" | "what" | "unit">;

const COMMAND: RowHead = {
  name: "start-from-image",
  what: "what `orlop run --rm` of `true` from a pulled image takes more than from a directory with the same files",
  unit: "ms",
};
const WITH_DAEMON: RowHead = {
  name: "start-from-image-with-daemon",
  what: "the same with `orlop serve engine` there, which has the store open, and the layers mounted from the second one on",
  unit: "ms",
};
const IN_PROCESS: RowHead = {
  name: "start-from-image-in-process",
  what: "the same in process, until the container has started: a snapshot and its mounts included",
  unit: "ms",
};
const LIFE_IN_PROCESS: RowHead = {
  name: "life-from-image-in-process",
  what: "the same, until the container is gone and what it wrote is removed",
  unit: "ms",
};

/** Issue "Images and root file systems", "Speed". */
const DIFFERENCE_MAX_MS = 1;

/**
 * The store is on a file system of its own, with the journal that ext4 has by default: without one, ext4 goes by everything
 * that was removed in the last minutes whenever it makes a file, which measures what was measured before.
 */
const DISK = { type: "ext4", sizeBytes: 2 * 1024 ** 3 } as const;

/** Without Node's own start they are ten times as short, and as many more are needed for the same certainty. */
const SHORT_ROUNDS = 10;

function more(rounds: Rounds): Rounds {
  return { ...rounds, count: rounds.count * SHORT_ROUNDS, warmUp: rounds.warmUp * SHORT_ROUNDS };
}

/** Starts with the files of a minimal Debian as a pulled image and as a directory: what the one takes more. */
export async function firstStartRows(root: string, rounds: Rounds): Promise<readonly BenchRow[]> {
  const obstacle = dockerRegistryObstacle() ?? (process.getuid?.() === 0 ? undefined : "needs root");
  if (obstacle !== undefined) {
    return [COMMAND, WITH_DAEMON, IN_PROCESS, LIFE_IN_PROCESS].map((row) => ({
      ...row,
      ours: undefined,
      note: obstacle,
    }));
  }
  await bundleCheckout(root);
  using timer = new CommandTimer();
  const disk = tryLoopDisk(DISK);
  using directory = typeof disk === "string" ? temporaryDirectory("start-", benchCache()) : disk;
  const both = await makeBoth(root, timer, join(directory.path, "store"), rounds.signal);
  return [...(await commandRows(root, timer, both, rounds)), ...(await inProcessRows(both, rounds))];
}

async function commandRows(
  root: string,
  timer: CommandTimer,
  both: BothRoots,
  rounds: Rounds,
): Promise<readonly BenchRow[]> {
  const { store } = both;
  const env = { PATH: process.env.PATH, HOME: store, ORLOP_ROOT: store };
  const argv = [join(root, "packages/orlop/bin/orlop")] as const;
  const alone = await commandRow(COMMAND, timer, (...args) => ({ argv: [...argv, ...args], env }), both, rounds);
  await using daemon = await OwnDaemon.start(store, { inMemory: true });
  return [alone, await commandRow(WITH_DAEMON, timer, (...args) => daemon.call(...args), both, more(rounds))];
}

async function commandRow(
  row: RowHead,
  timer: CommandTimer,
  call: OwnDaemon["call"],
  { reference, rootfs }: BothRoots,
  rounds: Rounds,
): Promise<BenchRow> {
  const subject = (name: string, image: string): Subject<"time"> => ({
    name,
    once: async () => {
      const command = call("run", "--rm", "--pull", "never", image, "--", "true");
      return { time: (await timer.runSuccessfully(command)).milliseconds };
    },
  });
  const series = await interleave([subject("image", reference), subject("directory", `dir:${rootfs}`)], rounds);
  return difference(row, "time", series);
}

async function inProcessRows({ store: directory, ...both }: BothRoots, rounds: Rounds): Promise<readonly BenchRow[]> {
  using state = temporaryDirectory("state-", "/run");
  const startZygote = (): Zygote => Zygote.start({ stdio: "ignore" });
  await using stack = new AsyncDisposableStack();
  const runtime = stack.adopt(new ProcessRuntime({ root: state.path, startZygote }), (each) => each.close());
  const store = stack.use(openStore(directory));
  const place = { directory: join(directory, "snapshots/erofs"), database: store.database };
  const snapshotter = stack.adopt(await openSnapshotter("erofs", place), (each) => each.close());
  let count = 0;
  const subject = (name: string, open: (id: string) => Promise<OpenRoot>): Subject<"start" | "life"> => ({
    name,
    once: async () => {
      const id = `orlop-bench-${process.pid}-start-${++count}`;
      const begin = performance.now();
      const start = await startAndEnd(runtime, id, open);
      return { start: start - begin, life: performance.now() - begin };
    },
  });
  const lower = [both.rootfs];
  const opener = new ImageOpener(store, snapshotter, both.reference);
  const subjects = [
    subject("image", (id) => opener.open(id)),
    subject("directory", async () => ({ rootfs: { kind: "overlay", lower, writes: "discard" }, ...NOTHING_LEFT })),
  ];
  const series = await interleave(subjects, more(rounds));
  return [difference(IN_PROCESS, "start", series), difference(LIFE_IN_PROCESS, "life", series)];
}

const NOTHING_LEFT: AsyncDisposable = { [Symbol.asyncDispose]: async () => {} };

/** Gives the time at which the container has started. */
async function startAndEnd(
  runtime: ProcessRuntime,
  id: string,
  open: (id: string) => Promise<OpenRoot>,
): Promise<number> {
  await using root = await open(id);
  await runtime.run(requestOf(id, root.rootfs));
  const time = performance.now();
  expectSuccess(id, await runtime.wait(id));
  await runtime.delete(id);
  return time;
}

/** Opens an image as a daemon does, which has read its documents before: labels of the snapshot keep what the container needs. */
class ImageOpener {
  readonly #store: Store;
  readonly #snapshotter: Snapshotter;
  readonly #reference: string;
  #stored: StoredImage | undefined;

  constructor(store: Store, snapshotter: Snapshotter, reference: string) {
    this.#store = store;
    this.#snapshotter = snapshotter;
    this.#reference = reference;
  }

  async open(key: string): Promise<OpenRoot> {
    const { content, images } = this.#store;
    const { target } = await images.get(this.#reference);
    this.#stored ??= await readStoredImage(content, target, parsePlatform(hostArchitecture()));
    const { chainId, manifest } = this.#stored;
    const labels = {
      [LABEL_GC_PROCESS]: leaseOwner(ownProcessMark()),
      [`${LABEL_GC_REF_CONTENT}.image`]: manifest.digest,
    };
    const rootfs = rootFilesystem(await this.#snapshotter.prepare(key, chainId, { labels }), { volatile: true });
    if (!(await content.has(manifest.digest))) throw new OrlopError("not-found", "Cannot measure starts: no image");
    return { rootfs, [Symbol.asyncDispose]: () => this.#snapshotter.remove(key) };
  }
}

interface OpenRoot extends AsyncDisposable {
  readonly rootfs: RootFilesystem;
}

function requestOf(id: string, rootfs: RootFilesystem): CreateRequest {
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return { id, bundle: "/", spec: benchSpec("/", ["true"]), rootfs, stdio };
}

function difference<Measure extends string>(
  row: RowHead,
  measure: Measure,
  series: Awaited<ReturnType<typeof interleave<Measure>>>,
): BenchRow {
  const [image, directory] = ["image", "directory"].map((name) => median(series.get(name)?.[measure] ?? []));
  if (image === undefined || directory === undefined) return { ...row, ours: undefined };
  const note = `${image.toFixed(1)} ms and ${directory.toFixed(1)} ms`;
  return { ...row, ours: image - directory, goal: { of: "ours", max: DIFFERENCE_MAX_MS }, note };
}

interface BothRoots {
  /** Holds the image; ORLOP_ROOT. */
  readonly store: string;
  readonly reference: string;
  /** A directory with the same files. */
  readonly rootfs: string;
}

/** A minimal Debian in a store in `directory`, and its files beside that, as tar unpacks them. */
async function makeBoth(root: string, timer: CommandTimer, store: string, signal: AbortSignal): Promise<BothRoots> {
  await using registry = await BenchRegistry.start(signal, ["minbase"]);
  const [image] = registry.images;
  if (image === undefined) throw new OrlopError("failed", "Cannot measure starts: there is no image");
  await new OwnPull(root, timer).pull(image, store);
  const rootfs = join(store, "rootfs");
  mkdirSync(rootfs, { mode: 0o755 });
  execFileSync("tar", ["-xzpf", image.layer, "-C", rootfs]);
  return { store, reference: image.reference, rootfs };
}
