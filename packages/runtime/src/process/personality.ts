import { type Linux, OrlopError } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";

/** include/uapi/linux/personality.h */
const DOMAINS = { LINUX: 0, LINUX32: 8 } as const;

/** Execution domain: what uname(2) says of the machine. */
export function emitPersonality(p: ProgramBuilder, personality: Linux["personality"]): void {
  if (personality === undefined) return;
  const { domain, flags = [] } = personality;
  if (flags.length > 0) {
    throw new OrlopError("unsupported", `Cannot set personality flags "${flags.join(",")}": the spec defines none`, {
      field: "linux.personality.flags",
    });
  }
  p.step({ action: `set personality ${domain}`, field: "linux.personality" });
  p.call("personality", [p.number(DOMAINS[domain], `PER_${domain}`)]);
}
