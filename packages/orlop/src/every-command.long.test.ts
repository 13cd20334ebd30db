import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Readable, Writable } from "node:stream";
import { after, describe, test } from "node:test";
import { type Caller, callFor } from "./caller/caller.ts";
import { commandLine } from "./command-line.ts";
import { COMMANDS, GROUPS } from "./command-table.ts";
import type { Flag } from "./flags/flag.ts";
import type { CommandEntry } from "./verbs/command-entry.ts";

/** No name that can be given, and of nothing that there is. */
const NOTHING = "no/such:thing";

/** What stands for an image where a name would be looked for in a registry. */
const NO_FILES = "dir:/no/such/thing";
const TAKES_FILES: ReadonlySet<string> = new Set(["run", "create", "explain", "pull"]);

/** What serves until it is ended, asks a registry, looks over the whole machine, or needs no name for what it makes. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...["serve engine", "serve snapshotter", "login", "doctor", "quadlet", "pod create", "system prune"],
]);

/** What goes on until somebody ends it is told to after this time. */
const PATIENCE_MS = 1000;

/** Who calls commands here, in places of his own. */
class TestCaller implements Caller {
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number = process.pid;
  readonly home: string;
  readonly cwd: string;
  readonly umask: number = 0o022;
  readonly stdin: Readable = Readable.from([]);
  readonly stdout: Writable;
  readonly stderr: Writable;
  said = "";
  readonly #listeners = new Set<(signal: NodeJS.Signals) => void>();

  constructor(directory: string) {
    this.home = directory;
    this.cwd = directory;
    const places = ["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
    this.env = {
      PATH: process.env.PATH,
      HOME: directory,
      ORLOP_ROOT: join(directory, "root"),
      ...Object.fromEntries(places.map((name) => [name, directory])),
    };
    this.stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
    this.stderr = new Writable({
      write: (chunk, _encoding, done) => {
        this.said += String(chunk);
        done();
      },
    });
  }

  isTerminal(): boolean {
    return false;
  }

  path(text: string): string {
    return resolve(this.cwd, text);
  }

  on(_: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
    this.#listeners.add(listener);
  }

  off(_: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
    this.#listeners.delete(listener);
  }

  afterwards(work: () => void): void {
    work();
  }

  exit(): void {}

  /** Resolves with what the command has said to standard error. */
  async call(words: readonly string[]): Promise<string> {
    const timer = setTimeout(() => {
      for (const listener of this.#listeners) listener("SIGTERM");
    }, PATIENCE_MS);
    await callFor(this, () => commandLine(words)).finally(() => clearTimeout(timer));
    return this.said;
  }
}

/** Each once, by its first spelling. */
const all = new Map<CommandEntry["load"], string>();
for (const { name, load } of COMMANDS) all.set(load, name);
for (const { name, commands } of GROUPS) {
  for (const entry of commands) if (!all.has(entry.load)) all.set(entry.load, `${name} ${entry.name}`);
}

describe("whatever a command is called with, it says what is wrong", () => {
  const directory = mkdtempSync(join(tmpdir(), "orlop-every-"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const [load, path] of all) {
    if (LEFT_OUT.has(path)) continue;
    test(`orlop ${path}`, async () => {
      const { table } = await load();
      const place = join(directory, path.replace(" ", "-"));
      mkdirSync(place);
      const thing = TAKES_FILES.has(path) ? NO_FILES : NOTHING;
      const lines: (readonly string[])[] = [[], [thing], [thing, NOTHING], [thing, NOTHING, NOTHING]];
      for (const flag of table.flags) lines.push(...wordsOf(flag).map((word) => [word, thing]));
      for (const line of lines) {
        const said = await new TestCaller(place).call([...path.split(" "), ...line]);
        assert.doesNotMatch(said, /should not have happened/, `orlop ${path} ${line.join(" ")}`);
      }
    });
  }
});

function wordsOf({ name, value }: Flag): readonly string[] {
  return value === undefined ? [`--${name}`] : [`--${name}=%&`, `--${name}=`, `--${name}=1`];
}
