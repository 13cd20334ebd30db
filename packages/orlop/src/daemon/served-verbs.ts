import { findCommand } from "../find-command.ts";

/**
 * How a verb is served: what only reads is done by Node from its start when this process ends in the middle of it; what
 * changes something is not done twice.
 */
type Service = "reads" | "changes";

/** Every other verb is Node's: it reads standard input, goes on for as long as somebody watches, or speaks to registries. */
const SERVED_VERBS: ReadonlyMap<string, Service> = new Map<string, Service>([
  ...(["ps", "container ls", "container list", "container ps", "container inspect"] as const).map(reads),
  ...(["images", "image ls", "image list", "image inspect", "inspect", "history", "image history"] as const).map(reads),
  ...(["port", "top", "logs", "version", "network ls", "network list", "network inspect"] as const).map(reads),
  ...(["info", "system info"] as const).map(reads),
  ...(["volume ls", "volume inspect", "system df"] as const).map(reads),
  ...(["run", "exec", "create", "start", "stop", "restart", "kill", "rm", "container rm"] as const).map(changes),
  ...(["container remove", "pause", "unpause", "rename", "update", "tag", "image tag"] as const).map(changes),
  ...(["healthcheck run", "rmi", "image rm", "image remove", "image rmi"] as const).map(changes),
]);

function reads(path: string): [string, Service] {
  return [path, "reads"];
}

function changes(path: string): [string, Service] {
  return [path, "changes"];
}

/** How a command line is served; undefined where it is not. */
export function serviceOf(words: readonly string[]): Service | undefined {
  const found = findCommand(words);
  return found.kind === "command" ? SERVED_VERBS.get(found.path) : undefined;
}

/** Loads the code of all that is served. */
export async function loadServedVerbs(): Promise<void> {
  const entries = [...SERVED_VERBS.keys()].map((path) => {
    const found = findCommand(path.split(" "));
    if (found.kind === "command") return found.entry;
    throw new Error(`there is no verb "${path}"`);
  });
  await Promise.all(entries.map((entry) => entry.load()));
}
