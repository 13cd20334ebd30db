import { OrlopError } from "@orlop/core";
import { type Container, type Engine, sharedWith } from "@orlop/engine";

/** Does something with one container, by its name. */
type Work = (name: string) => Promise<unknown>;

/**
 * Of containers that are removed at once: has each wait for those among them that require it.
 *
 * @param remove called once for each name
 * @returns what is called with each name, at once; a name that is not there is left to `remove` to complain of
 */
export async function inRemovalOrder(
  engine: Pick<Engine, "find">,
  names: readonly string[],
  remove: Work,
): Promise<Work> {
  return await inOrder(engine, names, remove, (one, other) => other.requires?.includes(one.id) === true);
}

/** Names, and behind them those of all containers that cannot be without these, each once. */
export async function withDependents(
  engine: Pick<Engine, "find" | "list">,
  names: readonly string[],
): Promise<readonly string[]> {
  const containers = await engine.list();
  const ids = new Set<string>();
  for (const name of names) ids.add((await findUnlessMissing(engine, name))?.id ?? "");
  const added: string[] = [];
  // A set is gone through with what is added on the way.
  for (const id of ids) {
    const dependents = containers.filter((other) => other.requires?.includes(id) === true && !ids.has(other.id));
    for (const other of dependents) ids.add(other.id);
    added.push(...dependents.map(({ name }) => name));
  }
  return [...names, ...added];
}

/**
 * Of containers that are started at once: has each wait for those among them whose network, process ids or IPC it has, as these
 * have to run by then.
 *
 * @param start called once for each name
 * @returns what is called with each name, at once; a name that is not there is left to `start` to complain of
 */
export async function inStartOrder(engine: Pick<Engine, "find">, names: readonly string[], start: Work): Promise<Work> {
  return await inOrder(engine, names, start, (one, other) => [...sharedWith(one).values()].includes(other.id));
}

/** @param waits whether one waits for the other; never in a circle, as a container knows only of those made before it */
async function inOrder(
  engine: Pick<Engine, "find">,
  names: readonly string[],
  work: Work,
  waits: (one: Container, other: Container) => boolean,
): Promise<Work> {
  if (names.length < 2) return work;
  const found = new Map<string, Container | undefined>();
  for (const name of names) found.set(name, await findUnlessMissing(engine, name));
  const begun = new Map<string, Promise<unknown>>();
  const once: Work = (name) => {
    const doing = begun.get(name) ?? afterOthers(name);
    begun.set(name, doing);
    return doing;
  };
  const afterOthers: Work = async (name) => {
    const one = found.get(name);
    const first = [...found].filter(([, other]) => one !== undefined && other !== undefined && waits(one, other));
    // What has failed for one of those is why this one cannot either, and is said then.
    await Promise.allSettled(first.map(([other]) => once(other)));
    return await work(name);
  };
  return once;
}

async function findUnlessMissing(engine: Pick<Engine, "find">, name: string): Promise<Container | undefined> {
  try {
    return await engine.find(name);
  } catch (error) {
    if (error instanceof OrlopError) return undefined;
    throw error;
  }
}
