import { OrlopError } from "@orlop/core";
import { printable } from "./answer-error.ts";
import { listPages } from "./list-pages.ts";
import type { RegistrySession } from "./registry-session.ts";

const PAGE_TAGS = 1000;
const TAGS_MAX = 1_000_000;
const TAG = /^\w[\w.-]{0,127}$/;

/** The tags of a repository, in the order of the registry (distribution-spec, "Listing Tags"). @throws OrlopError */
export async function listTags(session: RegistrySession, signal?: AbortSignal): Promise<readonly string[]> {
  const doing = `list tags of "${session.endpoint.host}/${session.endpoint.repository}"`;
  const tags = new Set<string>();
  const request = { doing, target: `tags/list?n=${PAGE_TAGS}`, accept: [200], signal };
  for await (const { response, content } of listPages(session, request)) {
    for (const tag of decodeTags(doing, response.url.host, content)) tags.add(tag);
    if (tags.size > TAGS_MAX) throw new OrlopError("exhausted", `Cannot ${doing}: there are more than ${TAGS_MAX}`);
  }
  return [...tags];
}

function decodeTags(doing: string, host: string, content: Buffer): readonly string[] {
  let list: unknown;
  try {
    list = (JSON.parse(content.toString("utf8")) as { tags?: unknown } | null)?.tags ?? [];
  } catch {
    // Told below.
  }
  if (!Array.isArray(list)) throw refused(doing, `${host} sends no list of tags`);
  const wrong = list.find((tag: unknown) => typeof tag !== "string" || !TAG.test(tag));
  if (wrong !== undefined) throw refused(doing, `${host} names a tag ${JSON.stringify(printable(String(wrong)))}`);
  return list as readonly string[];
}

function refused(doing: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot ${doing}: ${problem}`, { operation: "talk to a registry" });
}
