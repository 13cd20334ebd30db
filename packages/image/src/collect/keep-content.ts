import type { ContentStore, Digest, LeaseStore } from "@orlop/core";

/**
 * Has a lease keep a blob with all that it refers to, and tells whether it is there: in this order, so that no garbage
 * collection comes in between.
 */
export async function keepContent(
  { leases, content }: { readonly leases: LeaseStore; readonly content: ContentStore },
  lease: string,
  digest: Digest,
): Promise<boolean> {
  await leases.add(lease, { kind: "content", digest });
  return await content.has(digest);
}
