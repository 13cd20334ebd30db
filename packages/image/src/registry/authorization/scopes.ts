/** What is done with a repository. */
export type Permission = "pull" | "push" | "delete";

const ACTIONS: Readonly<Record<Permission, string>> = { pull: "pull", push: "pull,push", delete: "delete,pull" };
const CHALLENGE_SCOPES_MAX = 16;

/** `repository:library/busybox:pull` (distribution, "Token Scope Documentation"). */
export function scopeOf(repository: string, permission: Permission): string {
  return `repository:${repository}:${ACTIONS[permission]}`;
}

/** All that is asked for in one of two lists, each resource once, in an order that is always the same. */
export function joinScopes(ours: readonly string[], asked: readonly string[]): readonly string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of [...ours, ...asked.slice(0, CHALLENGE_SCOPES_MAX)]) {
    const end = scope.lastIndexOf(":");
    if (end < 0) continue;
    const resource = scope.slice(0, end);
    const known = actions.get(resource) ?? new Set<string>();
    for (const action of scope.slice(end + 1).split(",")) known.add(action);
    actions.set(resource, known);
  }
  return [...actions].map(([resource, names]) => `${resource}:${[...names].sort().join(",")}`).sort();
}
