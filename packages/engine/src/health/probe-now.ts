import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { makeProbe } from "../probes/watch-probes.ts";
import type { Container } from "../state/container-rows.ts";
import type { ProbeResult } from "./container-health.ts";
import { healthCheckOf } from "./health-check.ts";
import { recordProbe } from "./record-probe.ts";
import { runProbe } from "./run-probe.ts";

/** One probe out of turn, written down as all others are, unless it is one of several. */
export async function probeNow(
  context: EngineContext,
  container: Container,
  signal: AbortSignal | undefined,
): Promise<ProbeResult> {
  const { name, state } = container;
  const check = healthCheckOf(container);
  const { liveness, readiness, startup } = container.probes ?? {};
  const probe = liveness ?? readiness ?? startup;
  if (probe !== undefined) return await makeProbe(context, container, probe, signal);
  if (check === undefined) {
    const what = "it does not say how\nTry making it with --health-cmd.";
    throw new OrlopError("invalid", `Cannot check health of container "${name}": ${what}`, { field: "healthcheck" });
  }
  if (state.status !== "running") {
    throw new OrlopError("conflict", `Cannot check health of container "${name}": it is ${state.status}`);
  }
  const result = await runProbe(context, container, check, signal);
  recordProbe(context, container, result);
  return result;
}
