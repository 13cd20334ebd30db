import { OrlopError } from "@orlop/core";
import type { HttpResponse } from "./http/http-exchange.ts";
import { nextPage } from "./next-page.ts";
import { readBody } from "./read-body.ts";
import type { RegistrySession } from "./registry-session.ts";
import { withRetries } from "./retry-budget.ts";

const PAGES_MAX = 1000;
const PAGE_MAX_BYTES = 4 * 1024 * 1024;

interface ListRequest {
  readonly doing: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accept: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

interface Page {
  readonly response: HttpResponse;
  readonly content: Buffer;
}

/** The pages of a list, of which each tells where the next one is. @throws OrlopError */
export async function* listPages(session: RegistrySession, request: ListRequest): AsyncGenerator<Page> {
  const { doing, signal } = request;
  const { limits } = session;
  let target: string | URL | undefined = request.target;
  for (let count = 0; target !== undefined; count++) {
    if (count >= PAGES_MAX) {
      throw new OrlopError("exhausted", `Cannot ${doing}: the list has more than ${PAGES_MAX} pages`);
    }
    const here: string | URL = target;
    const page: Page = await withRetries(limits, signal, async () => {
      const response = await session.attempt({ ...request, method: "GET", target: here });
      const options = { doing, signal, stallMaxMs: limits.stallMaxMs, maxBytes: PAGE_MAX_BYTES };
      return { response, content: await readBody(response, options) };
    });
    yield page;
    target = page.response.status === 200 ? nextPage(doing, page.response) : undefined;
  }
}
