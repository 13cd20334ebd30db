import {
  type Descriptor,
  type Digest,
  decodeIndex,
  digestAlgorithm,
  digestEncoded,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  type ReferrersOptions,
} from "@orlop/core";
import { listPages } from "./list-pages.ts";
import { MANIFEST_ACCEPT } from "./manifest-document.ts";
import type { RegistrySession } from "./registry-session.ts";

/**
 * Manifests that name this one as their subject, each once: from the registry's own list, and, where it has none, from the
 * index under the tag that stands for it (distribution-spec, "Listing Referrers", "Unavailable Referrers API").
 *
 * @throws OrlopError
 */
export async function listReferrers(
  session: RegistrySession,
  { digest }: Descriptor,
  { artifactType, signal }: ReferrersOptions = {},
): Promise<readonly Descriptor[]> {
  const doing = `list what refers to "${digest}"`;
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const known = await readIndexes(session, doing, `referrers/${digest}${query}`, signal);
  const all = known ?? (await readIndexes(session, doing, `manifests/${referrersTag(digest)}`, signal)) ?? [];
  // Servers may leave it to us; whether they did is of no interest then.
  const wanted = artifactType === undefined ? all : all.filter((each) => each.artifactType === artifactType);
  return [...new Map(wanted.map((each) => [each.digest, each])).values()];
}

/** The tag whose index lists what refers to a manifest: `sha256-...`, both parts cut to what a tag may have. */
export function referrersTag(digest: Digest): string {
  return `${digestAlgorithm(digest).slice(0, 32)}-${digestEncoded(digest).slice(0, 64)}`.replaceAll(/[^\w.-]/g, "-");
}

/** Undefined where there is no such list. */
async function readIndexes(
  session: RegistrySession,
  doing: string,
  target: string,
  signal?: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  const request = { doing, target, headers: { accept: MANIFEST_ACCEPT }, accept: [200, ...NO_LIST], signal };
  for await (const { response, content } of listPages(session, request)) {
    if (response.status !== 200) return undefined;
    const type = (response.headers["content-type"] ?? "").split(";")[0]?.trim();
    if (type !== MEDIA_TYPE_IMAGE_INDEX) {
      // A page of a web server that answers everything with 200.
      if (target.startsWith("referrers/")) return undefined;
      throw new OrlopError("invalid", `Cannot ${doing}: the tag for that is no index, but ${JSON.stringify(type)}`);
    }
    found.push(...decodeIndex(content).manifests);
  }
  return found;
}

/** How servers say that they know nothing of it. */
const NO_LIST: readonly number[] = [404, 405, 400];
