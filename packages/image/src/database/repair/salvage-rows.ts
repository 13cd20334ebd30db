import type { DatabaseSync, SQLInputValue } from "node:sqlite";

interface Thing {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/**
 * Makes a database of what can be read of a damaged one, at a path where nothing is: of each table the rows before the first
 * place that cannot be read, and those behind the last. The result is the names of the tables that lack rows.
 *
 * @throws what `node:sqlite` throws where not even the tables are known
 */
export function salvageRows(from: string, into: string): readonly string[] {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const source = new DatabaseSync(from, { readOnly: true });
  const target = new DatabaseSync(into, { enableForeignKeyConstraints: false });
  try {
    const sql =
      "select type, name, sql from sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\'";
    const things = source.prepare(sql).all() as unknown as readonly Thing[];
    if (things.length === 0) throw new Error("there is nothing in it");
    target.exec("pragma synchronous = off; pragma journal_mode = memory; begin");
    const tables = things.filter(({ type }) => type === "table");
    for (const table of tables) target.exec(table.sql);
    const lacking = tables.filter(({ name }) => !copyTable(source, target, name)).map(({ name }) => name);
    copySequences(source, target);
    // Triggers would make rows of rows.
    for (const each of things) if (each.type !== "table") target.exec(each.sql);
    target.exec("commit");
    return lacking;
  } finally {
    target.close();
    source.close();
  }
}

/** Whether all of its rows could be read. */
function copyTable(source: DatabaseSync, target: DatabaseSync, table: string): boolean {
  const info = target.prepare(`pragma table_info("${table}")`).all();
  const columns = info.map(({ name }) => String(name));
  const keys = info.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
  const hasRowid = target.prepare("select wr from pragma_table_list where name = ?").get(table)?.wr === 0;
  const order = hasRowid ? ["rowid"] : keys.map(({ name }) => String(name));
  const names = [...(hasRowid ? ["rowid"] : []), ...columns].map((name) => `"${name}"`).join(", ");
  const marks = Array(columns.length + Number(hasRowid))
    .fill("?")
    .join(", ");
  const insert = target.prepare(`insert or ignore into "${table}" (${names}) values (${marks})`);
  const copyInOrder = (direction: "asc" | "desc"): boolean => {
    const by = order.map((name) => `"${name}" ${direction}`).join(", ");
    try {
      const select = source.prepare(`select ${names} from "${table}" order by ${by}`);
      select.setReturnArrays(true);
      for (const row of select.iterate()) insert.run(...(row as unknown as SQLInputValue[]));
      return true;
    } catch {
      return false;
    }
  };
  return copyInOrder("asc") || (copyInOrder("desc") && false);
}

/** Numbers that were given are not given again. */
function copySequences(source: DatabaseSync, target: DatabaseSync): void {
  const names = target.prepare("select name from sqlite_schema where sql like '%autoincrement%'").all();
  for (const { name } of names) {
    let last = 0;
    try {
      last = Number(source.prepare("select seq from sqlite_sequence where name = ?").get(String(name))?.seq ?? 0);
    } catch {}
    const own = Number(target.prepare(`select max(rowid) as last from "${String(name)}"`).get()?.last ?? 0);
    target.prepare("delete from sqlite_sequence where name = ?").run(String(name));
    target.prepare("insert into sqlite_sequence (name, seq) values (?, ?)").run(String(name), Math.max(own, last));
  }
}
