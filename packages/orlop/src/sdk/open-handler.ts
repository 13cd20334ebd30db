import type { CreateRequest, Runtime, State } from "@orlop/core";
import { openRuntime } from "../run/open-runtime.ts";
import type { RuntimeChoice } from "../run/runtime-choice.ts";
import type { SandboxHost } from "./sandbox-host.ts";

/** What makes one sandbox. */
interface OpenHandler {
  readonly runtime: Runtime;
  /** Creates and starts; leaves nothing on failure. */
  run(request: CreateRequest): Promise<State>;
}

/**
 * The handler of that name: this process's own, or another that is closed with the stack.
 *
 * @throws OrlopError `not-found` when its program is missing
 */
export async function openHandler(
  choice: RuntimeChoice,
  { host, stateDirectory }: { readonly host: SandboxHost; readonly stateDirectory: string },
  stack: AsyncDisposableStack,
): Promise<OpenHandler> {
  if (choice.kind !== "process") return stack.use(await openRuntime(choice, stateDirectory, "ignore"));
  const { runtime } = host;
  return { runtime, run: (request) => runtime.run(request) };
}
