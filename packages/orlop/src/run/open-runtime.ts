import { join } from "node:path";
import { type CreateRequest, OrlopError, type Runtime, type State } from "@orlop/core";
import { FIRST_DESCRIPTOR, sha256Hex, Zygote } from "@orlop/kernel";
import { ProcessRuntime, type ProcessRuntimeOptions } from "@orlop/runtime";
import type { RuntimeChoice } from "./runtime-choice.ts";
import type { StdioRelay } from "./stdio-relay.ts";

/** A runtime that this process uses for one container, and lets go of. */
interface OpenRuntime extends Disposable {
  readonly runtime: Runtime;
  /** Creates and starts; leaves nothing on failure. */
  run(request: CreateRequest): Promise<State>;
}

/**
 * The runtime of that name, which keeps its containers below the state directory.
 *
 * @param streams what `inherit` means for its containers: this process's own, a relay's ends, or nothing
 * @param options `descriptors` of this process are those from 3 up of the programs; the rest is for containers of this project's own making
 * @throws OrlopError `not-found` when its program is missing
 */
export async function openRuntime(
  choice: RuntimeChoice,
  stateDirectory: string,
  streams: "inherit" | "ignore" | StdioRelay,
  {
    descriptors = [],
    ...options
  }: Pick<ProcessRuntimeOptions, "enterOwnCgroup" | "layers"> & { readonly descriptors?: readonly number[] } = {},
): Promise<OpenRuntime> {
  const ends = typeof streams === "string" ? streams : streams.ends;
  const stdio =
    typeof ends === "string" && descriptors.length === 0
      ? { stdio: ends }
      : { startZygote: () => Zygote.start({ stdio: ends, descriptors }) };
  const root = join(stateDirectory, directoryOf(choice));
  if (choice.kind === "process") {
    const handover = { descriptors: descriptors.map((_, index) => FIRST_DESCRIPTOR + index) };
    const runtime = new ProcessRuntime({
      ...options,
      root,
      ...stdio,
      ...(descriptors.length === 0 ? {} : { maker: { handover } }),
    });
    return { runtime, run: (request) => runtime.run(request), [Symbol.dispose]: () => runtime.close() };
  }
  if (descriptors.length > 0) {
    const what = "another runtime starts the program";
    throw new OrlopError("unsupported", `Cannot preserve ${descriptors.length} descriptors: ${what}`);
  }
  const { OciRuntime, ShimRuntime } = await import("@orlop/runtime/foreign");
  const runtime =
    choice.kind === "oci"
      ? new OciRuntime({ binary: choice.program, root, ...stdio })
      : new ShimRuntime({ shim: choice.program, root, ...stdio });
  return { runtime, run: (request) => createAndStart(runtime, request), [Symbol.dispose]: () => runtime.close() };
}

async function createAndStart(runtime: Runtime, request: CreateRequest): Promise<State> {
  const state = await runtime.create(request);
  try {
    await runtime.start(request.id);
    return state;
  } catch (error) {
    await runtime.delete(request.id, { force: true });
    throw error;
  }
}

/** Digits of a hash that tell the runtimes of one machine apart. */
const HASH_DIGITS = 8;

/** Short, because sockets lie below it, whose paths have little room. */
function directoryOf(choice: RuntimeChoice): string {
  if (choice.kind === "process") return "containers";
  return `${choice.kind}-${sha256Hex(choice.program).slice(0, HASH_DIGITS)}`;
}
