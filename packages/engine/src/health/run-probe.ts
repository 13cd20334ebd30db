import { closeSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { generateId, OrlopError, type Runtime } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import { ignoreEnded } from "../life/stop-container.ts";
import { streamsDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import type { ProbeResult } from "./container-health.ts";
import type { HealthCheck } from "./health-check.ts";
import { ProbeOutput } from "./probe-output.ts";
import { readProbeId, writeProbeId } from "./unfinished-probe.ts";

/** What docker gives for a probe that did not come to an exit code of its own. */
const NO_EXIT_CODE = -1;

/**
 * Executes a container's check in it, once.
 *
 * @throws OrlopError `conflict` when it does not run; the signal's reason when that aborts: the probe is killed then
 */
export async function runProbe(
  context: EngineContext,
  container: Container,
  check: Pick<HealthCheck, "args" | "timeoutMs">,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const { id } = container;
  const runtime = await context.runtime(container.runtime);
  const note = join(streamsDirectory(context, id), "probe");
  // Of somebody who was killed before its end.
  await kill(runtime, id, readProbeId(note));
  const execId = generateId(randomBytes);
  writeProbeId(note, execId);
  const startedAtMs = Date.now();
  const pipe = await context.makePipe();
  using output = new ProbeOutput(pipe.reader);
  try {
    const stdio = { stdin: "null", stdout: { fd: pipe.writer }, stderr: { fd: pipe.writer } } as const;
    const { consoleSize: _size, ...own } = container.process;
    await runtime.exec({ id, execId, process: { ...own, terminal: false, args: check.args }, stdio });
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    // It has ended meanwhile, which says nothing about its health.
    if (error.code === "conflict" || error.code === "not-found") throw error;
    return { startedAtMs, endedAtMs: Date.now(), exitCode: NO_EXIT_CODE, output: error.message };
  } finally {
    closeSync(pipe.writer);
  }
  const exitCode = await endWithin(runtime, { id, execId }, check.timeoutMs, signal);
  rmSync(note, { force: true });
  const late = `Health check exceeded timeout (${check.timeoutMs / 1000}s)`;
  const said = output.take();
  return {
    startedAtMs,
    endedAtMs: Date.now(),
    exitCode: exitCode ?? NO_EXIT_CODE,
    output: exitCode !== undefined ? said : said === "" ? late : `${late}: ${said}`,
  };
}

interface Probe {
  readonly id: string;
  readonly execId: string;
}

/** Undefined when it took too long, and was killed. */
async function endWithin(
  runtime: Runtime,
  { id, execId }: Probe,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  let isLate = false;
  const end = (): void => void kill(runtime, id, execId).catch(() => {});
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  try {
    const { exitCode } = await runtime.wait(id, { execId, ...(signal === undefined ? {} : { signal }) });
    return isLate ? undefined : exitCode;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

async function kill(runtime: Runtime, id: string, execId: string | undefined): Promise<void> {
  if (execId !== undefined) await runtime.signal(id, constants.signals.SIGKILL, { execId }).catch(ignoreEnded);
}
