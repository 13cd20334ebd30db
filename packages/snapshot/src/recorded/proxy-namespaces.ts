import { randomBytes } from "node:crypto";
import type { Database, DatabaseComponent } from "@orlop/image";

const COMPONENT: DatabaseComponent = {
  name: "snapshot-proxies",
  steps: ["create table snapshot_proxies (name text primary key, namespace text not null) strict"],
};

/** The snapshotters of others that have been used with a database, and what keys of theirs begin with. */
export class ProxyNamespaces {
  readonly #database: Database;

  constructor(database: Database) {
    database.add(COMPONENT);
    this.#database = database;
  }

  names(): readonly string[] {
    return this.#database.all("select name from snapshot_proxies order by name").map(({ name }) => String(name));
  }

  /** Of this database alone, and the same from now on: keys that another one has had are not met again. */
  namespaceOf(name: string): string {
    const known = this.#find(name);
    if (known !== undefined) return known;
    return this.#database.transaction(() => {
      const made = this.#find(name) ?? `orlop-${randomBytes(8).toString("hex")}`;
      this.#database.run("insert or ignore into snapshot_proxies (name, namespace) values (?, ?)", name, made);
      return made;
    });
  }

  #find(name: string): string | undefined {
    const row = this.#database.get("select namespace from snapshot_proxies where name = ?", name);
    return row && String(row.namespace);
  }
}
