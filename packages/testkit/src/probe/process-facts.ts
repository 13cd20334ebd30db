import type { AddFact } from "./probe-dump.ts";

/** Fields of /proc/PID/status that say what a runtime set up, and the key each gets. The rest is use and chance. */
const statusKeys: Readonly<Record<string, string>> = {
  Umask: "process umask",
  Uid: "ids uid real effective saved fs",
  Gid: "ids gid real effective saved fs",
  Groups: "ids groups",
  Threads: "process threads",
  SigBlk: "signals blocked",
  SigIgn: "signals ignored",
  CapInh: "capabilities inheritable",
  CapPrm: "capabilities permitted",
  CapEff: "capabilities effective",
  CapBnd: "capabilities bounding",
  CapAmb: "capabilities ambient",
  NoNewPrivs: "process no_new_privs",
  Seccomp: "seccomp mode",
  Seccomp_filters: "seccomp filters",
  Speculation_Store_Bypass: "process speculation store bypass",
  SpeculationIndirectBranch: "process speculation indirect branch",
  Cpus_allowed_list: "affinity cpus",
  Mems_allowed_list: "affinity memory nodes",
  THP_enabled: "process transparent huge pages",
  CoreDumping: "process core dumping",
};

/** From /proc/PID/status. Of the pids only how many namespaces number the process. */
export function addStatusFacts(add: AddFact, lines: readonly string[]): void {
  for (const line of lines) {
    const [name = "", rest = ""] = line.split(":\t", 2);
    const value = rest.trim().replaceAll(/\s+/g, " ");
    const key = statusKeys[name];
    if (key !== undefined) add(key, value);
    if (name === "NSpid") add("process pid namespaces", String(value.split(" ").length));
  }
}

/** From /proc/PID/limits: a name, two values and a unit, in columns. */
export function addLimitFacts(add: AddFact, lines: readonly string[]): void {
  for (const line of lines.slice(1)) {
    const [, name, soft, hard] = /^(Max .+?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? [];
    if (name !== undefined) add(`limit ${name}`, `${soft} ${hard}`);
  }
}

/** From /proc/PID/stat (proc_pid_stat(5)), counted after the parenthesis that ends the name. */
export function addStatFacts(add: AddFact, line: string): void {
  const pid = line.slice(0, line.indexOf(" "));
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  /** Numbered as in the manual page, where the state is 3. */
  const field = (number: number): string => fields[number - 3] ?? "";
  const relation = (id: string): string => (id === pid ? "own" : id === "0" ? "outside" : "other");
  add("process group", relation(field(5)));
  add("process session", relation(field(6)));
  add("process terminal", field(7) === "0" ? "no" : "yes");
  add("process foreground group", field(8) === "-1" ? "none" : relation(field(8)));
  add("process priority", field(18));
  add("process nice", field(19));
  add("process exit signal", field(38));
  add("process realtime priority", field(40));
  add("process policy", field(41));
}
