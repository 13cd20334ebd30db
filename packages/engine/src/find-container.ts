import { OrlopError, shortId } from "@orlop/core";
import type { EngineContext } from "./engine-context.ts";
import type { Container } from "./state/container-rows.ts";

/**
 * The container of a name, of an id, or whose id begins so. Names go before ids.
 *
 * @throws OrlopError `not-found`; `conflict` for the beginning of several ids
 */
export function findContainer({ rows, transients }: EngineContext, text: string): Container {
  const named = rows.named(text);
  if (named !== undefined) return named;
  const passing = transients();
  const transient = passing.find(({ name }) => name === text);
  if (transient !== undefined) return transient;
  const prefix = /^[0-9a-fA-F]{1,64}$/.test(text) ? text.toLowerCase() : undefined;
  if (prefix === undefined) throw unknown(text);
  const ids = [...rows.withPrefix(prefix), ...passing.flatMap(({ id }) => (id.startsWith(prefix) ? [id] : []))];
  const [id, ...others] = ids;
  if (id === undefined) throw unknown(text);
  if (others.length > 0) {
    const what = `several containers have ids that begin so, ${ids.map(shortId).join(", ")}`;
    throw new OrlopError("conflict", `Cannot choose container "${text}": ${what}\nTry more digits.`);
  }
  const container = passing.find((each) => each.id === id) ?? rows.get(id);
  if (container === undefined) throw unknown(text);
  return container;
}

const SHOWN_MAX = 200;

/** With docker's words, which its users and their scripts look for. */
function unknown(text: string): OrlopError {
  const shown = text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
  return new OrlopError("not-found", `No such container: ${shown}`);
}
