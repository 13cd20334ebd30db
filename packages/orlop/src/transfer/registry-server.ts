import { OrlopError, parseReference } from "@orlop/core";

const HUB = "docker.io";
/** Docker's registry has had several names. */
const HUB_NAMES: ReadonlySet<string> = new Set(["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

/**
 * The registry that `login` and `logout` are about, as docker takes it: a name, or a URL of which the host counts.
 *
 * @throws OrlopError `invalid`
 */
export function parseServer(positional: readonly string[], verb: "log in to" | "log out of"): string {
  if (positional.length > 1) throw new OrlopError("invalid", "at most one server can be named");
  const [text = HUB] = positional;
  const bare = text.replace(/^https?:\/\//, "");
  const [host = "", ...path] = bare.split("/");
  if (bare === text && path.some((part) => part !== "")) {
    throw new OrlopError("invalid", `Cannot ${verb} "${text}": it is a repository\nTry its registry: ${host}`);
  }
  if (HUB_NAMES.has(host) || host === HUB) return HUB;
  // With a port or a dot, or not: here it can be nothing but a registry.
  const { registry } = parseReference(/[.:]/.test(host) ? `${host}/any` : `${host}:443/any`);
  return registry === `${host}:443` ? host : registry;
}
