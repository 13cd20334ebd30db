import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generateId, type Labels, OrlopError } from "@orlop/core";
import type { DatabaseRow } from "@orlop/image";
import { randomBytes } from "@orlop/kernel";
import type { EngineContext } from "./engine-context.ts";
import { lockVolume } from "./state/container-places.ts";

/** A directory with a name, which outlives the containers that it is mounted in. */
export interface Volume {
  readonly name: string;
  readonly createdAtMs: number;
  /** It was made for a container that gave no name for it. */
  readonly isAnonymous: boolean;
  readonly labels: Labels;
  /** The directory that is mounted. */
  readonly path: string;
}

export interface VolumeOptions {
  readonly labels?: Labels;
  /** Puts the first content into it: makes the directory, which is not there yet. Absent: it is empty. */
  readonly fill?: (path: string) => Promise<void>;
}

/** The volumes of an engine. A name is given once; what containers use is not removed. */
export class Volumes {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Makes it, or returns the one of that name that there is. @param name absent: one that nobody has given */
  async ensure(name: string | undefined, { labels = {}, fill }: VolumeOptions = {}): Promise<Volume> {
    const wanted = name ?? generateId(randomBytes);
    using _lock = await lockVolume(this.#context, wanted);
    const known = this.find(wanted);
    if (known !== undefined) return known;
    const { database, directory } = this.#context;
    const place = join(directory, "volumes", wanted);
    const path = join(place, "_data");
    // Of somebody who was killed before it had a row.
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true, mode: 0o711 });
    try {
      if (fill === undefined) mkdirSync(path, { mode: 0o755 });
      else await fill(path);
      database.transaction(() => {
        const sql = "insert into engine_volumes (name, created_at_ms, anonymous, labels) values (?, ?, ?, ?)";
        database.run(sql, wanted, Date.now(), Number(name === undefined), JSON.stringify(labels));
        this.#tell("create", wanted);
      });
    } catch (error) {
      rmSync(place, { recursive: true, force: true });
      throw error;
    }
    return this.get(wanted);
  }

  find(name: string): Volume | undefined {
    const row = this.#context.database.get("select * from engine_volumes where name = ?", name);
    return row && this.#decode(row);
  }

  /** @throws OrlopError `not-found` */
  get(name: string): Volume {
    const volume = this.find(name);
    if (volume !== undefined) return volume;
    throw new OrlopError("not-found", `get ${name}: no such volume`);
  }

  /** Sorted by name. */
  list(): readonly Volume[] {
    return this.#context.database.all("select * from engine_volumes order by name").map((row) => this.#decode(row));
  }

  /** Ids of the containers that use it. */
  users(name: string): readonly string[] {
    return this.#context.rows.withVolume(name).map(({ id }) => id);
  }

  /** With all that is in it. @throws OrlopError `not-found`; `conflict` when a container uses it */
  async remove(name: string): Promise<void> {
    using _lock = await lockVolume(this.#context, name);
    this.get(name);
    const { database, directory } = this.#context;
    database.transaction(() => {
      const users = this.users(name);
      if (users.length > 0) {
        throw new OrlopError("conflict", `remove ${name}: volume is in use - [${users.join(", ")}]`);
      }
      database.run("delete from engine_volumes where name = ?", name);
      this.#tell("destroy", name);
    });
    rmSync(join(directory, "volumes", name), { recursive: true, force: true });
  }

  #tell(action: string, id: string): void {
    this.#context.events.add({ atMs: Date.now(), type: "volume", action, id, attributes: { driver: "local" } });
  }

  #decode(row: DatabaseRow): Volume {
    const name = String(row.name);
    return {
      name,
      createdAtMs: Number(row.created_at_ms),
      isAnonymous: row.anonymous === 1,
      labels: JSON.parse(String(row.labels)) as Labels,
      path: join(this.#context.directory, "volumes", name, "_data"),
    };
  }
}
