import { watch } from "node:fs";
import { dirname } from "node:path";

/** Calls back when somebody may have changed a database of SQLite's, until the result is disposed of. */
export function watchDatabase(path: string, onChange: () => void): Disposable {
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || path.endsWith(name.replace(/-wal$/, ""))) onChange();
  });
  watcher.on("error", () => {});
  return { [Symbol.dispose]: () => watcher.close() };
}
