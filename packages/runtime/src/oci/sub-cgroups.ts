import { OrlopError } from "@orlop/core";

/**
 * Sub-cgroups by controller: one `PATH` alone for cgroup v2, whose controller has no name, or `CONTROLLER[,...]:PATH`
 * for each of v1. Undefined where none is given.
 *
 * @throws OrlopError `invalid`
 */
export function subCgroups(given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const paths = new Map<string, string>();
  for (const argument of given) {
    const colon = argument.indexOf(":");
    if (colon < 0 && given.length > 1) refuse(argument, "there is another one, so it needs a controller and a colon");
    const controllers = colon < 0 ? [""] : argument.slice(0, colon).split(",");
    for (const controller of controllers) {
      if (colon >= 0 && controller === "") refuse(argument, "the name of a controller is empty");
      if (paths.has(controller)) refuse(argument, `${controller} has a path already`);
      paths.set(controller, subPath(argument, argument.slice(colon + 1)));
    }
  }
  return paths.size === 0 ? undefined : Object.fromEntries(paths);
}

/** Below the container's own cgroup, whatever the path says. */
function subPath(argument: string, path: string): string {
  if (path.split("/").includes("..")) {
    // The words of runc 1.2, then of 1.1.
    refuse(argument, `bad sub cgroup path: ${path} is not a sub cgroup path`);
  }
  return path;
}

function refuse(argument: string, problem: string): never {
  throw new OrlopError("invalid", `Cannot use cgroup "${argument}": ${problem}`);
}
