import { type Labels, OrlopError } from "@orlop/core";
import { type Container, isActive } from "@orlop/engine";
import { diskUsage } from "@orlop/image";
import { hasLabel } from "../format/has-label.ts";
import { parsePointInTime } from "../images/point-in-time.ts";
import type { GcCall } from "./gc-verb.ts";

interface PrunedContainersResult {
  /** Ids. */
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** Removes containers that do not run, as far as they suit the filters. Others may do so meanwhile, or start them. */
export async function pruneContainers(call: GcCall): Promise<PrunedContainersResult> {
  const { shelf, engine } = call;
  const suits = pruneFilter(call);
  const stopped = (await engine.list()).filter((container) => isStopped(container) && suits(container));
  if (stopped.length === 0) return { removed: [], freedBytes: 0 };
  const before = await diskUsage(await shelf.parts());
  const removed: string[] = [];
  for (const { id } of stopped) {
    try {
      await engine.remove(id);
      removed.push(id);
    } catch (error) {
      if (!(error instanceof OrlopError) || (error.code !== "not-found" && error.code !== "conflict")) throw error;
    }
  }
  const after = await diskUsage(await shelf.parts());
  return { removed, freedBytes: Math.max(0, before.containers.sizeBytes - after.containers.sizeBytes) };
}

/** One that waits for its restart is at work. */
function isStopped({ state, isTransient }: Container): boolean {
  return isTransient !== true && !isActive(state.status) && state.status !== "restarting";
}

/** What containers, pods, networks and volumes have, and are chosen by. */
interface Prunable {
  readonly labels: Labels;
  readonly createdAtMs: number;
}

/**
 * What `--filter` says: `until=TIME`, `label=KEY[=VALUE]` and `label!=KEY[=VALUE]`.
 *
 * @throws OrlopError `invalid`
 */
export function pruneFilter(
  { flags, nowMs }: Pick<GcCall, "flags" | "nowMs">,
  texts: readonly string[] = flags.list("filter"),
): (of: Prunable) => boolean {
  const conditions = texts.map((text): ((of: Prunable) => boolean) => {
    const [, name = "", value = ""] = /^(label!?|until)=(.*)$/s.exec(text) ?? [];
    switch (name) {
      case "until": {
        const latestMs = parsePointInTime(value, nowMs);
        return ({ createdAtMs }) => createdAtMs <= latestMs;
      }
      case "label":
        return ({ labels }) => hasLabel(labels, value);
      case "label!":
        return ({ labels }) => !hasLabel(labels, value);
      default:
        throw new OrlopError("invalid", `Cannot use filter ${JSON.stringify(text)}: there are label and until`);
    }
  });
  return (of) => conditions.every((suits) => suits(of));
}
