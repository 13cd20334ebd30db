import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeBundle } from "../bundle.ts";
import { removeCgroupDirectories } from "../cgroup-directories.ts";
import type { ProbeContext } from "../probe/probe-dump.ts";
import { probeRenamer } from "../probe/probe-renamer.ts";
import { PROBE_EXTRA_PATH, PROBE_PATH, PROBE_SCRIPT } from "../probe/probe-script.ts";
import { probeFinished, readProbe } from "../probe/read-probe.ts";
import { makeBusyboxRootfs } from "../rootfs.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { walkTree } from "../walk-tree.ts";
import type { ConfigContext, DifferentialConfig } from "./differential-config.ts";
import type { DifferentialResult, DifferentialRuntime } from "./differential-runtime.ts";

/** What one runtime made of one config. */
export interface ConfigOutcome {
  readonly facts: ReadonlyMap<string, string>;
  /** As it came, for whoever has to find out why facts differ. */
  readonly result: DifferentialResult;
}

const namespaceTypes = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

function hostNamespaces(): Map<string, string> {
  return new Map(namespaceTypes.map((type) => [readlinkSync(`/proc/self/ns/${type}`), "host"]));
}

function callersCgroups(): Map<string, string> {
  const paths = readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .map((line) => line.split(":").slice(2).join(":"));
  return new Map(paths.filter((path) => path.length > 1).map((path) => [path, "<caller's cgroup>"]));
}

/** What is in a tree, below its root: path to kind, mode, owner. Busybox's many names are left out. */
function listTree(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of walkTree(root)) {
    const path = join(root, name);
    const stat = lstatSync(path);
    if (name.startsWith("bin/")) continue;
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) found.set(name, `link to ${readlinkSync(path)}`);
    else found.set(name, `${stat.isDirectory() ? "directory" : "file"} ${mode} ${stat.uid}:${stat.gid}`);
  }
  return found;
}

/** What the runtime left in the root file system, or took from it. */
function treeChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): [string, string][] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => [`left /${name}`, after.get(name) ?? "removed"]);
}

function outcomeFacts(
  config: DifferentialConfig,
  result: DifferentialResult,
  context: ProbeContext,
): Map<string, string> {
  if (config.probes === false) {
    return new Map([
      ["outcome exit code", String(result.exitCode)],
      ["outcome output", result.stdout.trim()],
    ]);
  }
  const finished = probeFinished(result.stdout);
  if (!finished && !result.stdout.includes("@@ shell")) return new Map([["outcome", "refused"]]);
  const facts = new Map([["outcome", finished ? `ran, exit code ${result.exitCode}` : "cut off"]]);
  for (const [key, value] of readProbe(result.stdout, context)) facts.set(key, value);
  return facts;
}

/** Each line of a file is a fact of its own. */
function hostFileFacts(host: string, names: readonly string[], rename: (text: string) => string): [string, string][] {
  return names.flatMap((name): [string, string][] => {
    const path = join(host, name);
    if (!existsSync(path)) return [[`host file ${name}`, "missing"]];
    const lines = rename(readFileSync(path, "utf8").trim()).split("\n");
    return lines.map((line, index) => [`host file ${name} line ${index + 1}`, line]);
  });
}

/** Makes the config's bundle, runs it under the runtime, and gives what was seen. Leaves nothing. */
export async function runConfig(
  config: DifferentialConfig,
  runtime: DifferentialRuntime,
  id: string,
): Promise<ConfigOutcome> {
  await using stack = new AsyncDisposableStack();
  const bundle = stack.use(temporaryDirectory("orlop-bundle-")).path;
  const rootfs = join(bundle, "rootfs");
  const host = join(bundle, "host");
  const namespaces = hostNamespaces();
  makeBusyboxRootfs(rootfs);
  mkdirSync(host);
  writeFileSync(join(rootfs, PROBE_PATH), PROBE_SCRIPT);
  if (config.extra !== undefined) writeFileSync(join(rootfs, PROBE_EXTRA_PATH), config.extra);
  const context: ConfigContext = {
    id,
    bundle,
    rootfs,
    host,
    // Its own, disposed of before the directory: what the config mounted is below it.
    stack: stack.use(new AsyncDisposableStack()),
    nameNamespace: (identity, name) => void namespaces.set(identity, name),
  };
  // What a runtime forgets is found by the leak checks; here it must not reach the next run.
  context.stack.defer(() => removeCgroupDirectories(id));
  const spec = await config.make(context);
  writeBundle(bundle, spec);
  const before = listTree(rootfs);
  const result = await runtime.run({ id, path: bundle, terminal: spec.process?.terminal === true });
  const probe: ProbeContext = { containerId: id, bundleName: basename(bundle), cgroups: callersCgroups(), namespaces };
  const facts = outcomeFacts(config, result, probe);
  for (const [key, value] of treeChanges(before, listTree(rootfs))) facts.set(key, value);
  for (const [key, value] of hostFileFacts(host, config.hostFiles ?? [], probeRenamer(probe))) facts.set(key, value);
  return { facts, result };
}
