import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { isTomlTable, parseToml, type TomlTable, type TomlValue } from "../../toml/parse-toml.ts";

const FILE_MAX_BYTES = 1024 * 1024;
const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3600e3 };
const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);

/** A file of configuration; undefined where there is none. @throws OrlopError */
export async function readConfigFile(path: string): Promise<string | undefined> {
  try {
    const content = await readFile(path);
    if (content.length > FILE_MAX_BYTES) throw configError(path, `it has more than ${FILE_MAX_BYTES} bytes`);
    return content.toString("utf8");
  } catch (error) {
    if (error instanceof OrlopError) throw error;
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw configError(path, (error as Error).message);
  }
}

/** Names in a directory, sorted; none where there is no directory. @throws OrlopError */
export async function listConfigDirectory(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw configError(path, (error as Error).message);
  }
}

/** The files of a directory whose names end so. */
export async function filesEndingWith(directory: string, ending: string): Promise<readonly string[]> {
  const names = await listConfigDirectory(directory);
  return names.filter((name) => name.endsWith(ending)).map((name) => join(directory, name));
}

export function configError(path: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use registry configuration "${path}": ${problem}`, {
    operation: "read registry configuration",
  });
}

/** Reads tables of TOML into what they have to be; what is not known is refused by its name. */
export class ConfigTable {
  readonly path: string;
  readonly #at: string;
  readonly #table: TomlTable;
  readonly #left: Set<string>;

  constructor(path: string, table: TomlTable, at = "") {
    this.path = path;
    this.#at = at;
    this.#table = table;
    this.#left = new Set(Object.keys(table));
  }

  /** @throws OrlopError */
  static parse(path: string, text: string): ConfigTable {
    try {
      return new ConfigTable(path, parseToml(text));
    } catch (error) {
      throw configError(path, (error as Error).message);
    }
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.wrong(name, "it is no text");
  }

  flag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.wrong(name, "it is neither true nor false");
  }

  /** A duration as Go writes it (`1m30s`, `500ms`), in milliseconds. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!DURATION.test(text)) throw this.wrong(name, `"${text}" is no duration such as 30s`);
    const parts = text.matchAll(/([\d.]+)(\D+)/g);
    return [...parts].reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0);
  }

  /** A text, or a list of them. */
  texts(name: string): readonly string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const list = typeof value === "string" ? [value] : value;
    if (Array.isArray(list) && list.every((each) => typeof each === "string")) return list as readonly string[];
    throw this.wrong(name, "it is neither a text nor a list of texts");
  }

  /** Anything. */
  value(name: string): TomlValue | undefined {
    return this.#take(name);
  }

  table(name: string): ConfigTable | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!isTomlTable(value)) throw this.wrong(name, "it is no table");
    return new ConfigTable(this.path, value, this.#full(name));
  }

  tables(name: string): readonly ConfigTable[] {
    const value = this.#take(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.wrong(name, "it is no list of tables");
    return value.map((each: TomlValue, index) => {
      if (!isTomlTable(each)) throw this.wrong(name, "it is no list of tables");
      return new ConfigTable(this.path, each, `${this.#full(name)}[${index}]`);
    });
  }

  keys(): readonly string[] {
    return Object.keys(this.#table);
  }

  /** Everything has been asked for. @throws OrlopError */
  end(): void {
    const [first] = this.#left;
    if (first !== undefined) throw this.wrong(first, "orlop does not know it");
  }

  wrong(name: string, problem: string): OrlopError {
    return configError(this.path, `${this.#full(name)}: ${problem}`);
  }

  #full(name: string): string {
    const key = /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
    return this.#at === "" ? key : `${this.#at}.${key}`;
  }

  #take(name: string): TomlValue | undefined {
    this.#left.delete(name);
    return Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
  }
}
