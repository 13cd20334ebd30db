import { Database } from "./database.ts";

/** Writes to each database that it is told of, at the time that it is told, and answers with what became of it. */
process.on("message", ({ path, atMs }: { readonly path: string; readonly atMs: number }) => {
  // A timer would be too late for a race.
  while (Date.now() < atMs);
  try {
    using database = new Database(path, [{ name: "notes", steps: ["create table notes (text text) strict"] }]);
    database.transaction(() => database.run("insert into notes (text) values ('a')"));
    process.send?.("written");
  } catch (error) {
    process.send?.((error as Error).message);
  }
});
