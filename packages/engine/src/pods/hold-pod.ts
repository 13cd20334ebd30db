import { type Endpoint, OrlopError, shortId } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { awaitNames } from "../life/await-names.ts";
import { disconnectAll, holdUserNamespace, tellAll, tellNetworks } from "../life/container-networks.ts";
import { isActive } from "../life/container-status.ts";
import type { HeldNamespaces } from "./namespaces/pod-namespaces.ts";
import { makePodCgroup, removePodCgroup } from "./pod-cgroup.ts";
import type { Pod, PodState } from "./pod-description.ts";
import { podEvent } from "./pod-event.ts";
import { writePodNames } from "./pod-names.ts";
import { lockPod } from "./pod-places.ts";
import { phaseAfter } from "./pod-status.ts";

/**
 * Has what the containers of a pod share be there: as it is, or made anew.
 *
 * @throws OrlopError `conflict` while some of its containers still run with what was shared before and is lost
 */
export async function holdPod(context: EngineContext, id: string): Promise<HeldNamespaces> {
  using _lock = await lockPod(context, id);
  const pod = await settlePod(context, expectPod(context, id));
  if (pod.state.phase === "running") {
    const held = await context.namespaces.find(pod);
    if (held !== undefined) return held;
  }
  if (hasActiveMember(context, id, "running")) {
    const way = `Try orlop pod restart ${pod.name}`;
    throw new OrlopError(
      "conflict",
      `Cannot start pod "${pod.name}": what its containers shared is lost, and some of them still run with it\n${way}`,
    );
  }
  const starting = savePod(context, pod, undefined, {
    phase: phaseAfter("start", pod.state.phase, pod.name),
    startedAtMs: pod.state.startedAtMs,
    endpoints: [],
  });
  try {
    await using parent = await holdUserNamespace(context, pod.network);
    const held = await context.namespaces.hold(pod, parent?.path);
    makePodCgroup(pod, context.rootless);
    const endpoints = await connectPod(context, pod, held);
    const phase = phaseAfter("started", starting.state.phase, pod.name);
    savePod(context, pod, "start", { phase, startedAtMs: Date.now(), endpoints });
    await tellNetworks(context, new Set(endpoints.map(({ network }) => network)), id);
    return held;
  } catch (error) {
    await endPod(context, starting, undefined);
    throw error;
  }
}

/** Gives back all that a pod shares, unless a container of it is there. The caller holds its lock. */
export async function releasePod(context: EngineContext, pod: Pod): Promise<Pod> {
  if (pod.state.phase !== "running" && pod.state.phase !== "starting") return pod;
  return hasActiveMember(context, pod.id) ? pod : await endPod(context, pod, "stop");
}

/** Brings what is known of a pod into line with what has become of it. The caller holds its lock. */
export async function settlePod(context: EngineContext, pod: Pod): Promise<Pod> {
  const { phase } = pod.state;
  if (phase === "starting") return await endPod(context, pod, undefined);
  if (phase !== "running") return pod;
  if ((await context.namespaces.find(pod)) === undefined) {
    // Those that still run hold what was lost; it is theirs until they end.
    return hasActiveMember(context, pod.id) ? pod : await endPod(context, pod, "stop");
  }
  return endsWithMembers(context, pod) ? await releasePod(context, pod) : pod;
}

/** All of its containers have ended since it was started, and it is to go with them. */
function endsWithMembers({ rows, podRows }: EngineContext, { id, exitPolicy, state }: Pod): boolean {
  if (exitPolicy !== "stop") return false;
  const members = podRows.members(id).flatMap((member) => rows.get(member) ?? []);
  const main = members.filter(({ pod }) => pod?.init !== true);
  const since = state.startedAtMs ?? 0;
  return main.length > 0 && main.every(({ state: s }) => s.status === "exited" && (s.finishedAtMs ?? 0) >= since);
}

/** @param only absent: also those that are being started */
function hasActiveMember({ rows, podRows }: EngineContext, id: string, only?: "running"): boolean {
  return podRows.members(id).some((member) => {
    const status = rows.get(member)?.state.status ?? "exited";
    return only === undefined ? isActive(status) : status === "running" || status === "paused";
  });
}

/** Also of one whose start has failed or was cut off. */
export async function endPod(context: EngineContext, pod: Pod, action: "stop" | undefined): Promise<Pod> {
  tellAll(context, (await disconnectAll(context, pod)) ?? []);
  await context.namespaces.release(pod);
  await removePodCgroup(pod, context.rootless);
  const { phase } = pod.state;
  const after = phase === "removing" ? phase : phaseAfter("end", phase, pod.name);
  const ended = savePod(context, pod, action, { phase: after, startedAtMs: pod.state.startedAtMs, endpoints: [] });
  await tellNetworks(context, new Set(pod.state.endpoints.map(({ network }) => network)), pod.id);
  return ended;
}

async function connectPod(context: EngineContext, pod: Pod, { paths }: HeldNamespaces): Promise<readonly Endpoint[]> {
  const { id, name, network, names } = pod;
  const endpoints: Endpoint[] = [];
  if (network.kind === "networks" && paths.net !== undefined) {
    const driver = await context.networks();
    for (const [index, { network: wanted, aliases, addresses, hardwareAddress }] of network.attachments.entries()) {
      endpoints.push(
        await driver.connect({
          network: wanted,
          endpoint: id,
          namespace: { path: paths.net },
          names: [...new Set([name, shortId(id), names.hostname, ...aliases])],
          ...(index === 0 ? { ports: network.ports } : { noDefaultRoute: true }),
          ...(network.egress === undefined ? {} : { egress: network.egress }),
          ...(addresses === undefined ? {} : { addresses }),
          ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
        }),
      );
    }
  }
  await writePodNames(context, pod, endpoints);
  await awaitNames(context, pod, endpoints);
  return endpoints;
}

/** Writes down the state, and the event that tells of it. */
export function savePod(
  { database, podRows, events }: EngineContext,
  pod: Pod,
  action: string | undefined,
  state: PodState,
): Pod {
  const changed = { ...pod, state };
  database.transaction(() => {
    podRows.setState(pod.id, state);
    if (action !== undefined) events.add(podEvent(changed, action));
  });
  return changed;
}

/** @throws OrlopError `not-found`; `conflict` for one that is being removed */
export function expectPod({ podRows }: EngineContext, id: string): Pod {
  const pod = podRows.get(id);
  if (pod === undefined) throw new OrlopError("not-found", `Cannot find pod "${shortId(id)}": it was removed`);
  if (pod.state.phase !== "removing") return pod;
  throw new OrlopError("conflict", `Cannot use pod "${pod.name}": it is being removed`);
}
