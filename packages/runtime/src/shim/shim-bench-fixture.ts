import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { defaultSpec, type Linux, type Process } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";
import {
  assertNoLeakSince,
  makeBusyboxRootfs,
  patience,
  snapshotKernelState,
  temporaryDirectory,
  writeBundle,
} from "@orlop/testkit";
import { rootObstacle } from "../process/process-bench-fixture.ts";
import { EVENTS_API } from "../shim-protocol/events-api.ts";
import { type TaskMethod, type TaskRequest, type TaskResponse, taskApi } from "../shim-protocol/task-api.ts";
import { TtrpcClient } from "../ttrpc/ttrpc-client.ts";
import { service, TtrpcServer } from "../ttrpc/ttrpc-server.ts";
import { readServerRecord } from "./server-record.ts";
import { makeShimPlace, type ShimPlace, shimPlace } from "./shim-place.ts";
import { ShimServer } from "./shim-server.ts";

const NAMESPACE = "test";
const GROUP = { namespace: NAMESPACE, address: "/containerd.sock" };
/** No call takes longer, unless it hangs. */
export const CALL_MAX_MS: number = patience(20_000);
const LONG_MS = 3_600_000;

/** Ids are in the second field of these, in the fifth of a deletion. */
const EVENT = new Codec({
  Named: { containerId: [1, "string"], id: [2, "string"] },
  Delete: { containerId: [1, "string"], id: [5, "string"] },
  Other: { containerId: [1, "string"] },
} as const);

const NAMED = ["/tasks/exit", "/tasks/exec-added", "/tasks/exec-started"];

let benches = 0;

/** A server in this process, in place of containerd somebody who listens to its events, and somebody who calls it. */
export class ShimBench implements AsyncDisposable {
  readonly directory: string;
  /** A root file system for all. */
  readonly image: string;
  readonly place: ShimPlace;
  readonly server: ShimServer;
  readonly failures: unknown[] = [];
  /** What came, as `topic container id`, without the beginning that all topics have. */
  readonly events: string[] = [];
  readonly #mark: string;
  readonly #ids: string[] = [];
  readonly #stack: AsyncDisposableStack;
  #client: TtrpcClient | undefined;
  #containerd: TtrpcServer | undefined;

  constructor(stack: AsyncDisposableStack, idleMs: number) {
    this.#stack = stack;
    this.directory = stack.use(temporaryDirectory("orlop-shim-", "/run")).path;
    // Where systemd is, nothing below /run can be executed.
    this.image = stack.use(temporaryDirectory("orlop-shim-image-")).path;
    this.#mark = `orlop-shim-${process.pid}-${++benches}`;
    this.place = shimPlace(GROUP, { XDG_RUNTIME_DIR: join(this.directory, "run") }, false);
    makeShimPlace(this.place);
    makeBusyboxRootfs(this.image);
    this.server = new ShimServer({
      place: this.place,
      namespace: NAMESPACE,
      eventsAddress: this.#eventsAddress,
      bin: "/bin of the test",
      idleMs,
      onFailure: (error) => this.failures.push(error),
    });
  }

  get #eventsAddress(): string {
    return join(this.directory, "events");
  }

  async startContainerd(): Promise<void> {
    const events = service(EVENTS_API, {
      Forward: ({ envelope }) => {
        const topic = envelope?.topic ?? "";
        const value = envelope?.event?.value ?? new Uint8Array();
        const kind = NAMED.includes(topic) ? "Named" : topic === "/tasks/delete" ? "Delete" : "Other";
        const { containerId, id = "" } = EVENT.decode(kind, value) as { containerId: string; id?: string };
        this.events.push([topic.slice("/tasks/".length), containerId, id].join(" ").trim());
        return {};
      },
    });
    this.#containerd = await TtrpcServer.listen([events], { path: this.#eventsAddress });
  }

  async stopContainerd(): Promise<void> {
    await this.#containerd?.[Symbol.asyncDispose]();
    this.#containerd = undefined;
    rmSync(this.#eventsAddress, { force: true });
  }

  /** The server's: it takes its name away for a moment when it looks whether it may leave. */
  socket = "";

  async listen(): Promise<void> {
    await this.server.listen();
    this.socket = readServerRecord(this.place.server)?.socket ?? "";
  }

  async connect(): Promise<TtrpcClient> {
    return TtrpcClient.connect(this.socket);
  }

  async call<Name extends TaskMethod>(name: Name, request: TaskRequest<Name>): Promise<TaskResponse<Name>> {
    this.#client ??= await this.connect();
    return this.#client.call(taskApi(2), name, request, { signal: AbortSignal.timeout(CALL_MAX_MS) });
  }

  /** The id of a container that nobody else has. */
  id(name: string): string {
    return `${this.#mark}-${name}`;
  }

  /** What is to be created: a bundle and its root, which is a bind, for these can be made anywhere. */
  bundle(
    name: string,
    script: string,
    changes: { readonly process?: Partial<Process>; readonly linux?: Partial<Linux> } = {},
  ): TaskRequest<"Create"> & { readonly id: string; readonly bundle: string } {
    const id = this.id(name);
    const bundle = join(this.directory, name);
    this.#ids.push(id);
    mkdirSync(bundle);
    const spec = defaultSpec({ args: ["sh", "-c", script] });
    writeBundle(bundle, {
      ...spec,
      process: { ...(spec.process as Process), ...changes.process },
      linux: { ...spec.linux, cgroupsPath: `/${id}`, ...changes.linux },
    });
    return { id, bundle, rootfs: [{ type: "bind", source: this.image, options: ["rbind", "rw"] }] };
  }

  async create(...words: Parameters<ShimBench["bundle"]>): Promise<string> {
    const request = this.bundle(...words);
    await this.call("Create", request);
    return request.id;
  }

  async run(...words: Parameters<ShimBench["bundle"]>): Promise<string> {
    const id = await this.create(...words);
    await this.call("Start", { id });
    return id;
  }

  /** Removes what a test that has failed has left. */
  async #sweep(): Promise<void> {
    if (this.#client === undefined) return;
    for (const id of this.#ids) {
      await this.call("Kill", { id, signal: 9 }).catch(() => {});
      await this.call("Wait", { id }).catch(() => {});
      await this.call("Delete", { id }).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sweep();
    this.#client?.close();
    this.server.retire();
    await this.server.left;
    await this.stopContainerd();
    await this.#stack.disposeAsync();
  }
}

interface ShimBenchOptions {
  /** After which the server leaves. */
  readonly idleMs?: number;
  /** The name of a container that somebody has been sent to the server for before it was there. */
  readonly claim?: string;
}

export async function withShim(
  t: TestContext,
  check: (bench: ShimBench) => Promise<void>,
  { idleMs = LONG_MS, claim }: ShimBenchOptions = {},
): Promise<void> {
  const obstacle = rootObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  const stack = new AsyncDisposableStack();
  const bench = new ShimBench(stack, idleMs);
  const before = snapshotKernelState({ mark: bench.id(""), directories: [bench.place.containers] });
  {
    await using _ = bench;
    if (claim !== undefined) writeFileSync(join(bench.place.claims, bench.id(claim)), "");
    await bench.startContainerd();
    await bench.listen();
    await check(bench);
  }
  await assertNoLeakSince(before);
  if (bench.failures.length > 0) throw bench.failures[0];
}
