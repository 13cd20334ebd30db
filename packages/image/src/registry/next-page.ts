import { OrlopError } from "@orlop/core";
import type { HttpResponse } from "./http/http-exchange.ts";

/**
 * Where a list goes on: the `Link` with `rel="next"` (RFC 8288; distribution-spec, "Listing Tags"). Undefined at its end.
 *
 * @throws OrlopError `invalid` where it goes on with another server
 */
export function nextPage(doing: string, { url, headers }: HttpResponse): URL | undefined {
  for (const link of (headers.link ?? "").split(/,(?=\s*<)/)) {
    const [, target, parameters = ""] = /^\s*<([^>]*)>(.*)$/.exec(link) ?? [];
    if (target === undefined || !/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters)) continue;
    const next = URL.parse(target, url);
    if (next !== null && next.origin === url.origin) return next;
    const problem = `${url.host} goes on with its list at another server`;
    throw new OrlopError("invalid", `Cannot ${doing}: ${problem}`, { operation: "talk to a registry" });
  }
  return undefined;
}
