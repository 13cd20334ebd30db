import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, decodeRuntimeSpec, OrlopError, type RuntimeSpec } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { ContainerRecord } from "./container-record.ts";
import { readStateFile } from "./read-state-file.ts";
import { type Warn, warnByProcess } from "./warn.ts";

/** As much of a request as hooks are run with. */
export type HookedContainer = Pick<CreateRequest, "id" | "bundle" | "spec">;

/** Hooks that are run by whoever starts or deletes a container, who need not be its maker. */
const LATER = ["startContainer", "poststart", "poststop"] as const;

/** In the container's directory. */
export const KEPT_CONFIG = "config.json";

/** Keeps the config of a container that has hooks for later. */
export function keepRequest(directory: string, { spec }: HookedContainer): void {
  if (!LATER.some((kind) => (spec.hooks?.[kind] ?? []).length > 0)) return;
  writeFileSync(join(directory, KEPT_CONFIG), configText(spec), { mode: 0o600 });
}

/** Whether something was kept. */
export function hasKeptRequest(directory: string): boolean {
  return existsSync(join(directory, KEPT_CONFIG));
}

/** What was kept; undefined where nothing had to be. Throws `failed` where that is damaged. */
export function keptRequest(directory: string, { id, bundle }: ContainerRecord): HookedContainer | undefined {
  if (!hasKeptRequest(directory)) return undefined;
  try {
    return { id, bundle, spec: decodeRuntimeSpec(readStateFile(join(directory, KEPT_CONFIG))) };
  } catch (cause) {
    throw new OrlopError("failed", `Cannot run hooks of container "${id}": its config is damaged`, { cause });
  }
}

/** As {@link keptRequest}, for a container that is deleted whatever its hooks do: a damaged one is a warning. */
export function keptRequestIfWhole(
  directory: string,
  record: ContainerRecord,
  warn: Warn = warnByProcess,
): HookedContainer | undefined {
  try {
    return keptRequest(directory, record);
  } catch (error) {
    warn((error as Error).message);
    return undefined;
  }
}

/** JSON with every digit of its large numbers, for which JSON.stringify has no words. */
function configText(spec: RuntimeSpec): string {
  // Nobody who wrote the config can have known it.
  const mark = randomBytes(16).toString("hex");
  const text = JSON.stringify(spec, (_, value: unknown) =>
    typeof value === "bigint" ? `${mark}${String(value)}` : value,
  );
  return text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}
