import { addDescriptorFacts, addStatLineFacts, linkTarget } from "./file-facts.ts";
import { addMountFacts } from "./mount-facts.ts";
import type { AddFact, ProbeContext, ProbeDump } from "./probe-dump.ts";
import { probeRenamer } from "./probe-renamer.ts";
import { PROBE_EXTRA_PATH, PROBE_PATH } from "./probe-script.ts";
import { linesByFile, pathLines, probeSections } from "./probe-sections.ts";
import { addLimitFacts, addStatFacts, addStatusFacts } from "./process-facts.ts";

type Sections = ReadonlyMap<string, readonly string[]>;

function addCgroupFacts(add: AddFact, lines: readonly string[], rename: (text: string) => string): void {
  for (const line of lines) {
    const [, controllers = "", ...path] = line.split(":");
    add(`cgroup ${controllers === "" ? "unified" : controllers}`, rename(path.join(":")));
  }
}

/** Files whose whole text is one fact, by their path below /proc/PID. */
const singleFacts: readonly (readonly [file: string, key: string])[] = [
  ["comm", "process name"],
  ["oom_score_adj", "process oom_score_adj"],
  ["personality", "process personality"],
  ["uid_map", "ids uid map"],
  ["gid_map", "ids gid map"],
  ["setgroups", "ids setgroups"],
  ["timens_offsets", "namespace time offsets"],
  ["loginuid", "process loginuid"],
  ["coredump_filter", "process coredump filter"],
  ["timerslack_ns", "process timer slack"],
  ["attr/current", "process security label"],
];

function squeeze(lines: readonly string[]): string {
  return lines.map((line) => line.trim().replaceAll(/\s+/g, " ")).join("; ");
}

function addFileFacts(add: AddFact, sections: Sections, rename: (text: string) => string): void {
  const files = linesByFile(pathLines(sections.get("files") ?? []));
  for (const [path, lines] of files) {
    const [, own] = /^\/proc\/\d+\/(.+)$/.exec(path) ?? [];
    const single = singleFacts.find(([file]) => file === own);
    if (single !== undefined) add(single[1], squeeze(lines));
    else if (own === "status") addStatusFacts(add, lines);
    else if (own === "limits") addLimitFacts(add, lines);
    else if (own === "mountinfo") addMountFacts(add, lines, rename);
    else if (own === "cgroup") addCgroupFacts(add, lines, rename);
    else if (own === "stat") addStatFacts(add, lines[0] ?? "");
    else if (path.startsWith("/proc/sys/")) add(`sysctl ${path.slice(10).replaceAll("/", ".")}`, squeeze(lines));
    else if (path === "/proc/net/dev") add("network interfaces", interfaceNames(lines));
    else if (path.startsWith("/sys/fs/cgroup/")) add(`resource ${path.slice(15)}`, squeeze(lines.toSorted()));
  }
}

function interfaceNames(lines: readonly string[]): string {
  return lines
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .toSorted()
    .join(" ");
}

/** Links below /proc/PID: namespaces, and where the process stands. */
function addLinkFacts(add: AddFact, lines: readonly string[], context: ProbeContext, rename: (t: string) => string) {
  for (const line of lines) {
    const [path = "", , name = ""] = line.split("|");
    const [, directory, what] = /^\/proc\/\d+\/(?:(ns)\/)?(cwd|root|exe|\w+)$/.exec(path) ?? [];
    if (what === undefined) continue;
    const target = linkTarget(name);
    if (directory === "ns") add(`namespace ${what}`, context.namespaces.get(target) ?? "new");
    else add(`process ${what}`, rename(target));
  }
}

function addEnvironmentFacts(add: AddFact, lines: readonly string[], rename: (text: string) => string): void {
  const names: string[] = [];
  for (const line of lines) {
    const equals = line.indexOf("=");
    const name = equals === -1 ? line : line.slice(0, equals);
    names.push(name);
    add(`environment ${name}`, equals === -1 ? "without a value" : rename(line.slice(equals + 1)));
  }
  add("environment order", names.join(" "));
}

/** The container's own keyring, which runtimes name for it; all others depend on who else runs here. */
function addKeyFacts(add: AddFact, lines: readonly string[], rename: (text: string) => string): void {
  for (const line of lines) {
    const [, flags, , expiry, permissions, uid, gid, type, description = ""] = line.trim().split(/\s+/);
    const name = rename(description.replace(/:$/, ""));
    if (type !== "keyring" || !name.includes("<id>")) continue;
    add(`keyring ${name}`, `${flags} ${expiry} ${permissions} ${uid}:${gid}`);
  }
}

function addTerminalFacts(add: AddFact, [name, ...settings]: readonly string[]): void {
  if (name === undefined) return;
  add("terminal name", name);
  const parts = settings
    .join(" ")
    .split(";")
    .map((part) => part.trim());
  const isSize = (part: string): boolean => /^(rows|columns) /.test(part);
  add("terminal size", parts.filter(isSize).join("; "));
  add("terminal settings", parts.filter((part) => !isSize(part)).join("; "));
}

function addSpacedFacts(add: AddFact, section: string, lines: readonly string[], rename: (text: string) => string) {
  for (const line of lines) {
    const space = line.indexOf(" ");
    const [key, value] = space === -1 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
    if (section !== "shell" || key !== "pid") add(`${section} ${key}`, rename(value));
  }
}

/** Names and addresses change with the host's own network, which a container may share. */
function addAddressFacts(add: AddFact, lines: readonly string[], isOwnNetwork: boolean): void {
  if (!isOwnNetwork) return;
  for (const line of lines) add("network line", squeeze([line.replace(/^\d+: /, "")]));
}

/** True when the probe ran to its end. */
export function probeFinished(output: string): boolean {
  return probeSections(output).has("end");
}

/**
 * Reads what `PROBE_SCRIPT` printed into facts.
 *
 * Left out or renamed: ids of mounts, namespaces, processes, devices without hardware and inodes; times; sizes;
 * order where the kernel gives none. What is left must be the same for the same config.
 */
export function readProbe(output: string, context: ProbeContext): ProbeDump {
  const dump = new Map<string, string>();
  const add: AddFact = (key, value) => {
    let name = key;
    for (let time = 2; dump.has(name); time++) name = `${key}#${time}`;
    dump.set(name, value);
  };
  const sections = probeSections(output);
  const section = (name: string): readonly string[] => sections.get(name) ?? [];
  const rename = probeRenamer(context);
  addSpacedFacts(add, "shell", section("shell"), rename);
  addFileFacts(add, sections, rename);
  const links = pathLines(section("links"));
  addLinkFacts(add, links, context, rename);
  addDescriptorFacts(add, links, pathLines(section("descriptors")), PROBE_PATH);
  addStatLineFacts(add, "dev", pathLines(section("dev")), rename);
  addStatLineFacts(add, "file", pathLines(section("top")), rename);
  addEnvironmentFacts(add, section("environment"), rename);
  add("process arguments", rename(section("arguments").join(" ")));
  add("process io priority", squeeze(section("io-priority")));
  addAddressFacts(add, section("addresses"), dump.get("namespace net") === "new");
  addTerminalFacts(add, section("terminal"));
  addKeyFacts(add, section("keys"), rename);
  for (const line of pathLines(section("guarded"))) {
    const [path, ...found] = line.split("|");
    add(`guarded ${path}`, found.join(", "));
  }
  addSpacedFacts(add, "extra", section("extra"), rename);
  dump.delete(`file ${PROBE_PATH}`);
  dump.delete(`file ${PROBE_EXTRA_PATH}`);
  return dump;
}
