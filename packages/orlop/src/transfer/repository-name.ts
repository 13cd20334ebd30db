import { OrlopError, parseReference, type Reference } from "@orlop/core";

/**
 * A repository as `--all-tags` takes it.
 *
 * @throws OrlopError `invalid` for what has a tag or a digest
 */
export function repositoryName(text: string): Reference {
  checkUntagged(text);
  const { registry, repository } = parseReference(text);
  return { registry, repository };
}

/** @throws OrlopError `invalid` */
export function checkUntagged(text: string): void {
  const lastPart = text.slice(text.lastIndexOf("/") + 1);
  if (/[:@]/.test(lastPart)) throw new OrlopError("invalid", "tag can't be used with --all-tags/-a");
}
