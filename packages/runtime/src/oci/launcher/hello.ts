import { readFileSync, readlinkSync } from "node:fs";
import { HELLO_FACTS, HELLO_SECTIONS, type HelloSection, LAUNCHER_NAMESPACES, LAUNCHER_VERSION } from "@orlop/kernel";

/** Who calls, as a launcher says it. */
export interface Hello {
  readonly version: number;
  readonly uid: number;
  readonly pid: number;
  /** Where the caller's descriptor 3 has gone; negative: there was none. */
  readonly descriptor: number;
  /** The launcher's whole command line. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** /proc/self/cgroup. */
  readonly cgroups: string;
  /** What it may do, in lines of /proc/self/status. */
  readonly privileges: string;
  readonly umask: number;
  readonly root: string;
  /** The links below /proc/self/ns, of {@link LAUNCHER_NAMESPACES}, one behind the other. */
  readonly namespaces: string;
}

const SECTION_HEADER_BYTES = 8;

/** A command line and an environment of ARG_MAX bytes (2 MiB by default), and some room. */
const HELLO_MAX_BYTES = 8 * 1024 * 1024;

/** Takes a hello in as it comes; what cannot be one is refused by an error. */
export class HelloReader {
  readonly #sections = new Map<HelloSection, Buffer[]>();
  #pending: Buffer = Buffer.alloc(0);
  #total = 0;

  /** The hello, once it is complete. */
  push(chunk: Buffer): Hello | undefined {
    this.#total += chunk.length;
    if (this.#total > HELLO_MAX_BYTES) throw new Error("a hello of more than HELLO_MAX_BYTES");
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= SECTION_HEADER_BYTES) {
      const name = HELLO_SECTIONS[this.#pending.readUInt32LE(0)];
      const end = SECTION_HEADER_BYTES + this.#pending.readUInt32LE(4);
      if (name === undefined) throw new Error("a section that is none");
      if (this.#pending.length < end) break;
      const body = this.#pending.subarray(SECTION_HEADER_BYTES, end);
      this.#pending = this.#pending.subarray(end);
      if (name === "end") return this.#hello();
      this.#sections.set(name, [...(this.#sections.get(name) ?? []), body]);
    }
    return undefined;
  }

  #hello(): Hello {
    const facts = this.#bytes("facts");
    const status = this.#text("status");
    return {
      version: facts.readUInt32LE(HELLO_FACTS.version),
      uid: facts.readUInt32LE(HELLO_FACTS.uid),
      pid: facts.readUInt32LE(HELLO_FACTS.pid),
      descriptor: facts.readInt32LE(HELLO_FACTS.descriptor),
      arguments: strings(this.#text("arguments")),
      environment: environmentOf(strings(this.#text("environment"))),
      cwd: strings(this.#text("cwd"))[0] ?? "",
      cgroups: this.#text("cgroups"),
      privileges: privilegesIn(status),
      umask: Number.parseInt(/^Umask:\s*(\d+)$/m.exec(status)?.[1] ?? "", 8),
      root: this.#text("root"),
      namespaces: this.#text("namespaces"),
    };
  }

  #bytes(name: HelloSection): Buffer {
    return Buffer.concat(this.#sections.get(name) ?? []);
  }

  #text(name: HelloSection): string {
    return this.#bytes(name).toString("utf8");
  }
}

/** What ends in a NUL each. */
function strings(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\0$/, "").split("\0");
}

function environmentOf(entries: readonly string[]): Readonly<Record<string, string>> {
  const environment: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    // As getenv(3) has it: of two the first counts.
    if (equals > 0) environment[entry.slice(0, equals)] ??= entry.slice(equals + 1);
  }
  return environment;
}

/** Without these in common one would open files that the other may not: proc_pid_status(5). */
const PRIVILEGES = /^(?:Uid|Gid|Groups|CapPrm|CapEff|NoNewPrivs|Seccomp):.*$/gm;

function privilegesIn(status: string): string {
  return (status.match(PRIVILEGES) ?? []).join("\n");
}

/** Where this process is; a caller that is elsewhere means other things by the same paths and process ids. */
const HERE = {
  privileges: privilegesIn(readFileSync("/proc/self/status", "utf8")),
  root: readlinkSync("/proc/self/root"),
  namespaces: LAUNCHER_NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(""),
  uid: process.geteuid?.() ?? 0,
};

/** Whether this process can do for the caller what the caller's own Node process would do. */
export function isOneOfUs({ version, uid, privileges, root, namespaces, cwd, umask }: Hello): boolean {
  const together = root === HERE.root && namespaces === HERE.namespaces && uid === HERE.uid;
  const alike = privileges === HERE.privileges && !Number.isNaN(umask);
  return version === LAUNCHER_VERSION && together && alike && cwd.startsWith("/");
}
