import { type Endpoint, OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";

/** So long the process that answers names may take to begin; it starts Node. */
const ANSWER_MAX_MS = 10_000;

/**
 * Sees to it that names are answered for a container that is about to run.
 *
 * @throws OrlopError `failed` where its egress policy is of names, and they are not
 */
export async function awaitNames(
  context: EngineContext,
  { name }: Pick<Container, "name">,
  endpoints: readonly Endpoint[],
): Promise<void> {
  if (endpoints.length === 0 || context.startNames === undefined) return;
  const { names } = await context.networks();
  if (names?.isNeeded() !== true) return;
  context.startNames();
  const signal = AbortSignal.timeout(ANSWER_MAX_MS);
  for (const { network, id, egress } of endpoints) {
    if ((await names.isAnswered(network, id, signal)) || egress === "all") continue;
    throw new OrlopError("failed", `Cannot connect container "${name}": nothing answers names for its egress policy`);
  }
}
