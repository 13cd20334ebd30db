import { OrlopError, shortId } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Pod } from "./pod-description.ts";

/**
 * The pod of a name, of an id, or whose id begins so. Names go before ids.
 *
 * @throws OrlopError `not-found`; `conflict` for the beginning of several ids
 */
export function findPod({ podRows }: Pick<EngineContext, "podRows">, text: string): Pod {
  const named = podRows.named(text);
  if (named !== undefined) return named;
  const prefix = /^[0-9a-fA-F]{1,64}$/.test(text) ? text.toLowerCase() : undefined;
  const [id, ...others] = prefix === undefined ? [] : podRows.withPrefix(prefix);
  if (others.length > 0) {
    const what = `several pods have ids that begin so, ${[id ?? "", ...others].map(shortId).join(", ")}`;
    throw new OrlopError("conflict", `Cannot choose pod "${text}": ${what}\nTry more digits.`);
  }
  const pod = id === undefined ? undefined : podRows.get(id);
  if (pod === undefined) throw new OrlopError("not-found", `No such pod: ${text.slice(0, SHOWN_MAX)}`);
  return pod;
}

const SHOWN_MAX = 200;
