import { OrlopError } from "@orlop/core";
import type { Compilation } from "./compilation.ts";

/** include/uapi/linux/personality.h */
const DOMAINS = { LINUX: 0, LINUX32: 8 } as const;

/** Execution domain: what uname(2) says of the machine. */
export function emitPersonality(c: Compilation): void {
  const personality = c.plan.request.spec.linux?.personality;
  if (personality === undefined) return;
  const { domain, flags = [] } = personality;
  if (flags.length > 0) {
    throw new OrlopError("unsupported", `Cannot set personality flags "${flags.join(",")}": the spec defines none`, {
      field: "linux.personality.flags",
    });
  }
  const { p } = c;
  p.step({ action: `set personality ${domain}`, field: "linux.personality" });
  p.call("personality", [p.number(DOMAINS[domain], `PER_${domain}`)]);
}
