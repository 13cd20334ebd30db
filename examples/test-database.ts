// A database for one test: a server in a sandbox, which is there as long as the test, keeps nothing, and whose port nobody but
// this machine reaches. Here it is SQLite behind a few lines of HTTP, as Node brings it; another comes as an image:
// { image: "debian:bookworm?packages=postgresql" }.
//
//   sh tools/node -C source examples/test-database.ts

import assert from "node:assert/strict";
import { Sandbox } from "orlop";

const server = `
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync("/tmp/test.db");
  require("node:http").createServer(async (request, response) => {
    let sql = "";
    for await (const chunk of request) sql += chunk;
    try {
      response.end(JSON.stringify(database.prepare(sql).all()));
    } catch (error) {
      response.writeHead(400).end(error.message);
    }
  }).listen(5432, "127.0.0.1", () => console.log("ready"));
`;

/** Does something with an empty database. */
async function withDatabase(work: (query: (sql: string) => Promise<unknown>) => Promise<void>): Promise<void> {
  await using box = await Sandbox.create({ image: "host" });
  await using exposed = await box.expose(5432);
  await using program = box.spawn([process.execPath, "--no-warnings", "-e", server]);
  for await (const { data } of program) {
    if (data.toString() !== "ready\n") throw new Error(data.toString());
    await work(async (sql) => {
      const response = await fetch(exposed.url, { method: "POST", body: sql });
      if (!response.ok) throw new Error(await response.text());
      return await response.json();
    });
    break;
  }
}

await withDatabase(async (query) => {
  await query("create table people (name text not null)");
  await query("insert into people values ('Ada'), ('Grace')");
  assert.deepEqual(await query("select count(*) as count from people"), [{ count: 2 }]);
  console.log("rows are counted");
});
await withDatabase(async (query) => {
  await assert.rejects(query("select * from people"), /no such table/);
  console.log("the next test begins with an empty one");
});
