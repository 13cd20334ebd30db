/** The kernel's own limit for one path (path_resolution(7)). */
const LINKS_MAX = 40;

/**
 * `path` without links, each of them followed inside `root`; undefined where there is none, or there are too many. Who may
 * change the root may have changed them since.
 *
 * @param linkTarget what the link at a path says; undefined where none is
 */
export function followLinks(
  root: string,
  path: string,
  linkTarget: (path: string) => string | undefined,
): string | undefined {
  const place: string[] = [];
  const rest = path.split("/");
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      place.pop();
      continue;
    }
    const target = linkTarget([root, ...place, name].join("/"));
    if (target === undefined) {
      place.push(name);
      continue;
    }
    links++;
    if (links > LINKS_MAX) return undefined;
    if (target.startsWith("/")) place.length = 0;
    rest.unshift(...target.split("/"));
  }
  return links === 0 ? undefined : `/${place.join("/")}`;
}
