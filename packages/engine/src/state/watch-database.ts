import { watch } from "node:fs";
import { dirname } from "node:path";

/**
 * Calls back when somebody may have changed a database of SQLite's, until the result is disposed of.
 *
 * @param isMeant other files of its directory that are watched as well, by their names
 */
export function watchDatabase(
  path: string,
  onChange: () => void,
  isMeant: (name: string) => boolean = () => false,
): Disposable {
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || path.endsWith(name.replace(/-wal$/, "")) || isMeant(name)) onChange();
  });
  watcher.on("error", () => {});
  return { [Symbol.dispose]: () => watcher.close() };
}
