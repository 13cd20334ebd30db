import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, decodeRuntimeSpec, type RuntimeSpec } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { ContainerRecord } from "./container-record.ts";

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

/** What was kept; undefined where nothing had to be. */
export function keptRequest(directory: string, { id, bundle }: ContainerRecord): HookedContainer | undefined {
  const path = join(directory, KEPT_CONFIG);
  return existsSync(path) ? { id, bundle, spec: decodeRuntimeSpec(readFileSync(path)) } : undefined;
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
