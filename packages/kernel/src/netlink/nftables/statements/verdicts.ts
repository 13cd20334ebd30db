import { NFT_REG_VERDICT } from "../register.ts";
import type { Statement } from "../rule-context.ts";
import type { Verdict } from "../verdict.ts";

function verdictStatement(verdict: Verdict): Statement {
  return () => [{ kind: "immediate", data: { dreg: NFT_REG_VERDICT, data: { verdict } } }];
}

/** The packet goes on; later chains of the same hook still see it. */
export const accept: Statement = verdictStatement({ code: "accept" });
/** The packet is gone, without a word to its sender. */
export const drop: Statement = verdictStatement({ code: "drop" });
/** Back to the chain that jumped here; in a base chain, its policy. */
export const returnToCaller: Statement = verdictStatement({ code: "return" });
/** The next rule. */
export const continueRule: Statement = verdictStatement({ code: "continue" });

/** Into another chain, and back when it ends. */
export function jump(chain: string): Statement {
  return verdictStatement({ code: "jump", chain });
}

/** Into another chain for good. */
export function goTo(chain: string): Statement {
  return verdictStatement({ code: "goto", chain });
}
