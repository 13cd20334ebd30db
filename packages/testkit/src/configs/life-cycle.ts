import type { RuntimeSpec } from "@orlop/core";
import type { DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, processConfig, withMountOptions } from "./base-spec.ts";

const shell = (script: string): readonly string[] => ["/bin/busybox", "sh", "-c", script];

/** A signal that a process sends to itself is lost on pid 1 of a namespace; these stay in the host's. */
function withoutPidNamespace(spec: RuntimeSpec): RuntimeSpec {
  const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "pid");
  return { ...spec, linux: { ...spec.linux, namespaces } };
}

function ended(name: string, exercises: string, args: readonly string[]): DifferentialConfig {
  return processConfig(name, exercises, { args }, { probes: false });
}

function signalled(name: string, signal: string): DifferentialConfig {
  return {
    name,
    exercises: `a process that ends by SIG${signal}`,
    probes: false,
    make: (context) => {
      const spec = withoutPidNamespace(baseSpec(context));
      return { ...spec, process: { cwd: "/", user: { uid: 0, gid: 0 }, args: shell(`kill -${signal} $$; sleep 5`) } };
    },
  };
}

/** The whole config, ways to name the program, and ways to end. */
export const lifeCycleConfigs: readonly DifferentialConfig[] = [
  { name: "default", exercises: "what engines ask for", make: baseSpec },
  {
    name: "minimal",
    exercises: "a config with no more than the spec requires",
    make: () => ({
      ociVersion: "1.0.2",
      process: { user: { uid: 0, gid: 0 }, args: ["/bin/busybox", "sh", "/probe.sh"], cwd: "/" },
      root: { path: "rootfs" },
      mounts: [{ destination: "/proc", type: "proc" }],
      linux: { namespaces: [{ type: "mount" }, { type: "pid" }] },
    }),
  },
  {
    name: "without-mounts",
    exercises: "a container without /proc, /dev and /sys",
    make: (context) => {
      const { linux, ...spec } = baseSpec(context);
      const { maskedPaths, readonlyPaths, ...rest } = linux ?? {};
      return { ...spec, mounts: [], linux: rest };
    },
  },
  {
    name: "readonly-root",
    exercises: "a read-only root file system",
    make: (context) => ({ ...baseSpec(context), root: { path: "rootfs", readonly: true } }),
  },
  {
    name: "absolute-root",
    exercises: "a root file system named by an absolute path",
    make: (context) => ({ ...baseSpec(context), root: { path: context.rootfs } }),
  },
  {
    name: "annotations",
    exercises: "annotations that no runtime knows",
    make: (context) => ({ ...baseSpec(context), annotations: { "org.example.first": "1", empty: "" } }),
  },
  {
    name: "unknown-members",
    exercises: "members that the spec does not define",
    make: (context) => ({ ...baseSpec(context), ...{ "x-extension": { nested: [1, 2] } } }),
  },
  {
    name: "writable-proc-sys",
    exercises: "a container without masked and read-only paths",
    make: (context) => {
      const spec = baseSpec(context);
      return { ...spec, linux: { ...spec.linux, maskedPaths: [], readonlyPaths: [] } };
    },
  },
  {
    name: "proc-options",
    exercises: "options of procfs",
    make: (context) => withMountOptions(baseSpec(context), "/proc", ["nosuid", "nodev", "noexec", "hidepid=2"]),
  },
  ended("exit-0", "a process that succeeds", ["/bin/busybox", "true"]),
  ended("exit-3", "an exit code", shell("echo out; echo err >&2; exit 3")),
  ended("exit-255", "the highest exit code", shell("exit 255")),
  ended("program-by-path", "a program found on PATH", ["echo", "found"]),
  ended("program-missing", "a program that is on no PATH", ["no-such-program"]),
  ended("program-missing-absolute", "an absolute path to no program", ["/no/such/program"]),
  ended("program-directory", "a program that is a directory", ["/etc"]),
  ended("program-not-executable", "a program without the execute permission", ["/etc/passwd"]),
  ended("program-empty-name", "an empty program name", [""]),
  ended("no-program", "an empty argument list", []),
  ended("arguments", "odd arguments", ["/bin/busybox", "printf", "<%s>", "a b", "", "'", "\u00e9\n", "-n"]),
  signalled("signal-term", "TERM"),
  signalled("signal-kill", "KILL"),
  signalled("signal-segv", "SEGV"),
  {
    name: "program-without-path",
    exercises: "a program name without PATH in the environment",
    probes: false,
    make: (context) => {
      const spec = baseSpec(context);
      return { ...spec, process: { user: { uid: 0, gid: 0 }, cwd: "/", args: ["echo", "found"], env: ["A=1"] } };
    },
  },
  {
    name: "missing-root",
    exercises: "a root file system that does not exist",
    make: (context) => ({ ...baseSpec(context), root: { path: "no-such-directory" } }),
  },
];
