import { DEFAULT_CAPABILITIES, OrlopError } from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";

export interface CapabilityRequest {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
}

/**
 * The container's capabilities: the default ones with those added and dropped that are named, as docker counts: `ALL`
 * to add leaves out what is dropped by name, `ALL` to drop leaves only what is added by name. `available` are those that
 * the runtime can give.
 *
 * @throws OrlopError `invalid` for a name that is none, `denied` for one that is asked for by name and not available
 */
export function capabilitySet(request: CapabilityRequest, available: ReadonlySet<string>): readonly string[] {
  const everything = CAPABILITIES.filter((name) => available.has(name));
  if (request.privileged) return everything;
  const add = normalize(request.add, "CapAdd");
  const drop = normalize(request.drop, "CapDrop");
  for (const name of add) {
    if (name === "ALL" || available.has(name)) continue;
    throw new OrlopError("denied", `Cannot add capability "${name}": this process does not have it to give`, {
      field: "process.capabilities",
    });
  }
  const base = DEFAULT_CAPABILITIES.filter((name) => available.has(name));
  const kept = (names: readonly string[]): readonly string[] => names.filter((name) => !drop.has(name));
  if (add.has("ALL")) return kept(everything);
  const start = drop.has("ALL") ? [] : kept(base);
  const wanted = new Set([...start, ...add]);
  return CAPABILITIES.filter((name) => wanted.has(name));
}

/** `net_admin` and `CAP_NET_ADMIN` are the same. */
function normalize(names: readonly string[], list: string): ReadonlySet<string> {
  return new Set(
    names.map((name) => {
      const upper = name.toUpperCase();
      const full = upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
      if (full === "ALL" || CAPABILITIES.includes(full)) return full;
      throw new OrlopError("invalid", `invalid ${list}: unknown capability: "${name}"`);
    }),
  );
}
