import { type ImageRecord, OrlopError } from "@orlop/core";
import { keepContent } from "@orlop/image";
import type { ImageShelf } from "./image-verb.ts";

/**
 * Keeps an image, with all of it that is here, from being collected as garbage until the result goes, whoever takes its
 * names away meanwhile.
 *
 * @throws OrlopError `not-found` where it is gone already; `what` is what was to be done with it
 */
export async function keepImage(
  shelf: ImageShelf,
  { name, target }: Pick<ImageRecord, "name" | "target">,
  what: string,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { id } = await shelf.leases.create();
  stack.defer(() => shelf.leases.delete(id));
  if (!(await keepContent(shelf, id, target.digest))) {
    throw new OrlopError("not-found", `Cannot ${what} image "${name}": it is not there, or damaged`);
  }
  return stack.move();
}
