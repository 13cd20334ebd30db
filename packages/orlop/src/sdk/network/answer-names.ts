import { setTimeout as delay } from "node:timers/promises";
import { type Endpoint, type NetworkDriver, OrlopError } from "@orlop/core";
import { NamesProcess } from "../../containers/names-process.ts";
import type { OpenEngine } from "../../containers/open-engine.ts";

/** How often it is looked whether who answers names has gone. */
const LOOK_EVERY_MS = 1000;
/** So long who answers may take to begin, where that is another process. */
const ANSWER_MAX_MS = 10_000;

/**
 * Sees to it that names are answered for a sandbox until the stack is disposed of: by another process where one is at it, and by
 * this one otherwise, or as soon as the other has gone.
 *
 * @throws OrlopError `failed` where its policy is of names, and they are not answered
 */
export async function answerNames(
  open: OpenEngine,
  { names }: NetworkDriver,
  { network, id, egress }: Endpoint,
  stack: AsyncDisposableStack,
): Promise<void> {
  if (names?.isNeeded() !== true) return;
  const controller = new AbortController();
  const serving = serve(open, controller.signal);
  stack.defer(async () => {
    controller.abort();
    await serving;
  });
  const isAnswered = await names.isAnswered(network, id, AbortSignal.timeout(ANSWER_MAX_MS));
  if (isAnswered || egress === "all") return;
  throw new OrlopError("failed", "Cannot connect sandbox: nothing answers names for what it may reach");
}

async function serve({ engine, depot }: OpenEngine, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    using own = NamesProcess.try(depot.root);
    // What it fails at, whoever asks for an answer finds out.
    if (own !== undefined) await engine.serveNames(signal).catch(() => {});
    if (!signal.aborted) await delay(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
  }
}
