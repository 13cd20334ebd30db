import { type EgressRule, OrlopError } from "@orlop/core";
import { parseEgress } from "../../run/egress-flag.ts";

/**
 * What may be reached: `TO[:PORT[-PORT]][/PROTOCOL]`, as `--egress` has it, without its words for all and for nothing.
 *
 * @throws OrlopError `invalid`
 */
export function parseTarget(text: string): EgressRule {
  const rule = parseEgress(text);
  if (typeof rule !== "string") return rule;
  throw new OrlopError(
    "invalid",
    `Cannot allow "${text}": it is an address, a prefix or a name, with or without ports`,
  );
}
