/** Under this name docker keeps what belongs to its own registry. */
const HUB_KEY = "https://index.docker.io/v1/";
const HUB_NAMES: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** How docker calls a registry where it keeps credentials, and what helpers are asked for. */
export function authKeyOf(registry: string): string {
  return registry === "docker.io" ? HUB_KEY : registry;
}

/**
 * The key that fits a repository best: its own name, one of a part before a slash (containers-auth.json(5)), or its
 * registry's. Undefined when none does.
 */
export function bestAuthKey(keys: readonly string[], registry: string, repository: string): string | undefined {
  const found = new Map<string, string>();
  for (const key of keys) {
    const scope = scopeOf(key);
    // The same thing under two names: the one that is written plainly counts.
    if (key === scope || !found.has(scope)) found.set(scope, key);
  }
  for (
    let scope = `${registry}/${repository}`;
    scope !== "";
    scope = scope.slice(0, Math.max(scope.lastIndexOf("/"), 0))
  ) {
    const key = found.get(scope);
    if (key !== undefined) return key;
  }
  return undefined;
}

/** Whether a key stands for a registry as a whole. */
export function isAuthKeyOf(key: string, registry: string): boolean {
  return scopeOf(key) === registry;
}

/** What a key stands for: a registry, or a part of one's repositories. `https://host/v1/` and `host/v2` are a registry; without scheme and version a path is a repository. */
export function scopeOf(key: string): string {
  const bare = key.replace(/^https?:\/\//, "");
  const slash = bare.indexOf("/");
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? "" : bare.slice(slash).replace(/\/+$/, "");
  const name = HUB_NAMES.has(host) ? "docker.io" : host;
  const isRegistry = bare !== key || /^(?:\/v[12])?$/.test(path);
  return isRegistry ? name : name + path;
}
