import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type { RuntimeSpec } from "@orlop/core";
import {
  baseSpec,
  busyboxObstacle,
  makeBusyboxRootfs,
  type TemporaryDirectory,
  temporaryDirectory,
  writeBundle,
} from "@orlop/testkit";
import { type CallResult, callOci } from "./call-fixture.ts";
import { FakeContainers } from "./fake-containers-fixture.ts";

/** What these documents were compared with. */
const RUNC_VERSION = /^runc version 1\.1\./;

let directory: TemporaryDirectory;
let obstacle: string | undefined;
/** A created container of runc's, for what it says about one. */
const id = `orlop-texts-${process.pid}`;

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    const found = execFileSync("runc", ["--version"], { encoding: "utf8" });
    if (!RUNC_VERSION.test(found)) return `is about runc 1.1, not ${found.split("\n")[0]}`;
  } catch {
    return "needs runc (Debian: apt-get install runc)";
  }
  return busyboxObstacle();
}

async function runc(args: readonly string[], cwd = directory.path): Promise<CallResult> {
  const root = join(directory.path, "runc");
  try {
    const { stdout, stderr } = await promisify(execFile)("runc", ["--root", root, ...args], { cwd });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as {
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    };
    return { exitCode: code, stdout, stderr };
  }
}

/** Its standard streams are files of nobody's: what a container keeps open would keep a pipe open as well. */
function makeContainer(): void {
  const bundle = join(directory.path, "bundle");
  makeBusyboxRootfs(join(bundle, "rootfs"));
  const spec = baseSpec({ id });
  writeBundle(bundle, {
    ...spec,
    annotations: { a: "b" },
    ...(spec.process === undefined ? {} : { process: { ...spec.process, args: ["sleep", "1000"] } }),
  });
  const root = join(directory.path, "runc");
  execFileSync("runc", ["--root", root, "run", "--detach", "--bundle", bundle, id], { stdio: "ignore" });
}

async function ours(args: readonly string[], cwd = directory.path): Promise<CallResult> {
  const bundle = join(directory.path, "bundle");
  const containers = new FakeContainers().with(id, "running", { bundle, annotations: { a: "b" } });
  return await callOci(args, { cwd, containers });
}

/** Names and types of a JSON document, for documents whose figures differ from moment to moment. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]));
}

/** Paths of members that `theirs` has and `ours` has not, or with another type. */
function missing(theirs: unknown, ours: unknown, path = ""): readonly string[] {
  if (typeof theirs !== "object" || theirs === null) return theirs === ours ? [] : [path];
  if (typeof ours !== "object" || ours === null) return [path];
  return Object.entries(theirs).flatMap(([name, member]) =>
    missing(member, (ours as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

suite("beside runc", () => {
  before(() => {
    obstacle = findObstacle();
    if (obstacle !== undefined) return;
    directory = temporaryDirectory();
    makeContainer();
  });

  after(async () => {
    if (obstacle !== undefined) return;
    await runc(["delete", "--force", id]);
    directory[Symbol.dispose]();
  });

  test("state and list have its members in its order", async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    const keys = (text: string): readonly string[] => Object.keys(JSON.parse(text) as object);
    const state = [await runc(["state", id]), await ours(["state", id])].map(({ stdout }) => keys(stdout));
    assert.deepEqual(state[1], state[0]);
    const [theirs, own] = [
      await runc(["list", "-f", "json"]),
      await ours(["--root", directory.path, "list", "-f", "json"]),
    ].map(({ stdout }) =>
      (JSON.parse(stdout) as readonly object[]).map((each) => Object.entries(shape(each) as object)),
    );
    assert.deepEqual(own, theirs);
    const titles = [await runc(["list"]), await ours(["--root", directory.path, "list"])].map(({ stdout }) =>
      stdout.split("\n")[0]?.trim().split(/\s+/),
    );
    assert.deepEqual(titles[1], titles[0]);
  });

  test("an event of stats has its members", async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    const [theirs, own] = [await runc(["events", "--stats", id]), await ours(["events", "--stats", id])].map(
      ({ stdout }) => shape(JSON.parse(stdout)) as object,
    );
    // Nobody reads them, and version 2 does not have them.
    const unread = [".data.cpu.usage.percpu_kernel", ".data.cpu.usage.percpu_user", ".data.cpuset"];
    // By the page sizes and the counters of the machine.
    const other = missing(theirs, own).filter((path) => !/^\.data\.(?:memory\.raw|hugetlb)\./.test(path));
    assert.deepEqual(
      other.filter((path) => !unread.includes(path)),
      [],
    );
  });

  test("features are a superset of its, but for what is refused", async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    const [theirs, own] = [await runc(["features"]), await ours(["features"])].map(
      ({ stdout }) => JSON.parse(stdout) as Record<string, unknown>,
    );
    // An own version and no libseccomp; what is not done yet; and what means nothing to the calls that make mounts here.
    const explained = /^\.(?:ociVersionMax|annotations\.|linux\.selinux|linux\.seccomp\.actions: SCMP_ACT_NOTIFY$)/;
    const nothing = [".mountOptions: acl", ".mountOptions: noacl", ".mountOptions: remount"];
    const lost = lostFeatures(theirs, own, "").filter((line) => !explained.test(line) && !nothing.includes(line));
    assert.deepEqual(lost, []);
  });

  test("spec writes its config with more paths masked", async (t) => {
    if (obstacle !== undefined) return t.skip(obstacle);
    for (const flags of [[], ["--rootless"]]) {
      using theirs = temporaryDirectory();
      using own = temporaryDirectory();
      await runc(["spec", ...flags], theirs.path);
      await ours(["spec", ...flags], own.path);
      assert.deepEqual(comparable(own.path), comparable(theirs.path));
    }
  });

  const calls: readonly [args: readonly string[], words: string][] = [
    [["nosuch"], "No help topic for 'nosuch'"],
    [["--nosuch", "list"], "flag provided but not defined: -nosuch"],
    [["--log-format", "xml", "list"], "invalid log-format: xml"],
    [["run", "--nosuch", "x"], "flag provided but not defined: -nosuch"],
    [["run", "--bundle"], "flag needs an argument: -bundle"],
    [["list", "--quiet=maybe"], 'invalid boolean value "maybe" for -quiet: parse error'],
    [["list", "-f", "xml"], "invalid format option"],
    [["state"], '"state" requires exactly 1 argument(s)'],
    [["state", "a", "b"], '"state" requires exactly 1 argument(s)'],
    [["state", "a/b"], "invalid container ID format"],
    [["state", ".."], "invalid container ID format"],
    ...["state", "start", "kill", "delete", "pause", "resume", "ps", "events", "update"].map(
      (verb): [readonly string[], string] => [[verb, "nope"], "container does not exist"],
    ),
    [["exec", "nope", "sh"], "container does not exist"],
    [["delete", "--force", "nope"], ""],
    [["delete", id], `cannot delete container ${id} that is not stopped: running`],
    [["start", id], "cannot start an already running container"],
    [["resume", id], "container not paused"],
    [["kill", id, "NOPE"], "unknown signal"],
    [["run", "x"], "JSON specification file config.json not found"],
    [["run", "--bundle", "/nowhere", "x"], "no such file or directory"],
    [["create", "-b", "bundle", "--console-socket", "c", "x"], "cannot use console socket if"],
    [["events", "--interval", "0", id], "duration interval must be greater than 0"],
    [["exec", "-u", "root", id, "sh"], "uid"],
    [["exec", "--process", "/nowhere", id], "no such file or directory"],
    [["update", "--memory", "much", id], "invalid value for memory"],
  ];
  for (const [args, words] of calls) {
    test(`a bad call ends as with it: ${args.join(" ").replaceAll(id, "ID")}`, async (t) => {
      if (obstacle !== undefined) return t.skip(obstacle);
      const [theirs, own] = [await runc(args), await ours(args)];
      assert.equal(own.exitCode, theirs.exitCode);
      // Quoted once more, as the value of a field.
      const text = (stderr: string): string => stderr.replaceAll("\\", "");
      for (const { stderr } of [theirs, own]) assert.ok(text(stderr).includes(words), stderr);
    });
  }
});

/** What `spec` wrote, without what differs on purpose. */
function comparable(bundle: string): unknown {
  const {
    ociVersion: _,
    hostname: __,
    process,
    linux,
    mounts,
    ...rest
  } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as RuntimeSpec;
  const { maskedPaths = [], namespaces = [], ...others } = linux ?? {};
  const { ambient: ___, ...capabilities } = process?.capabilities ?? {};
  return {
    ...rest,
    process: { ...process, capabilities },
    // /proc without options in theirs.
    mounts: mounts?.map(({ options, ...mount }) => (mount.destination === "/proc" ? mount : { ...mount, options })),
    linux: {
      ...others,
      namespaces: namespaces.map(({ type }) => type).sort(),
      maskedPaths: maskedPaths.filter((path) => RUNC_MASKED.has(path)).sort(),
    },
  };
}

/** The paths that runc's example masks; ours has more. */
const RUNC_MASKED: ReadonlySet<string> = new Set([
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
]);

function lostFeatures(theirs: unknown, own: unknown, path: string): readonly string[] {
  if (Array.isArray(theirs)) {
    return theirs.filter((each) => !(own as readonly unknown[]).includes(each)).map((each) => `${path}: ${each}`);
  }
  if (typeof theirs !== "object" || theirs === null) return theirs === own ? [] : [`${path}: ${theirs}, not ${own}`];
  return Object.entries(theirs).flatMap(([name, member]) =>
    lostFeatures(member, (own as Record<string, unknown> | undefined)?.[name], `${path}.${name}`),
  );
}
