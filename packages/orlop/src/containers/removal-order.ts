import { OrlopError } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";

/**
 * Of containers that are removed at once: has each wait for those among them that require it.
 *
 * @param remove called once for each name
 * @returns what is called with each name, at once; a name that is not there is left to `remove` to complain of
 */
export async function inRemovalOrder(
  engine: Pick<Engine, "find">,
  names: readonly string[],
  remove: (name: string) => Promise<unknown>,
): Promise<(name: string) => Promise<unknown>> {
  if (names.length < 2) return remove;
  const found = new Map<string, Container | undefined>();
  for (const name of names) found.set(name, await findUnlessMissing(engine, name));
  const removals = new Map<string, Promise<unknown>>();
  const removeOnce = (name: string): Promise<unknown> => {
    const removal = removals.get(name) ?? removeNow(name);
    removals.set(name, removal);
    return removal;
  };
  const removeNow = async (name: string): Promise<unknown> => {
    const id = found.get(name)?.id;
    const requiring = [...found].filter(([, other]) => id !== undefined && other?.requires?.includes(id) === true);
    // What has kept one of those is why this one cannot go either, and is said then.
    await Promise.allSettled(requiring.map(([other]) => removeOnce(other)));
    return await remove(name);
  };
  return removeOnce;
}

async function findUnlessMissing(engine: Pick<Engine, "find">, name: string): Promise<Container | undefined> {
  try {
    return await engine.find(name);
  } catch (error) {
    if (error instanceof OrlopError) return undefined;
    throw error;
  }
}
