import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Capabilities } from "@orlop/core";
import type { DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, defaultCapabilities, processConfig, withLinux, withProcess } from "./base-spec.ts";

const somebody = { uid: 1000, gid: 1000 } as const;

const userConfigs: readonly DifferentialConfig[] = [
  processConfig("user", "an ordinary user", { user: somebody }),
  processConfig("user-groups", "additional groups", {
    user: { ...somebody, additionalGids: [2000, 5, 2000, 65534] },
  }),
  processConfig("user-without-account", "ids that /etc/passwd does not have", { user: { uid: 12345, gid: 54321 } }),
  processConfig("group-only", "root's id with another group", { user: { uid: 0, gid: 1000, additionalGids: [10] } }),
  processConfig(
    "umask",
    "a umask",
    { user: { uid: 0, gid: 0, umask: 0o077 } },
    { extra: ": >/tmp/f; stat -c 'mode %a' /tmp/f" },
  ),
  processConfig("umask-zero", "a umask of nothing", { user: { uid: 0, gid: 0, umask: 0 } }),
];

const directoryConfigs: readonly DifferentialConfig[] = [
  processConfig("directory", "a working directory", { cwd: "/home/somebody" }),
  processConfig("directory-missing", "a working directory that does not exist", { cwd: "/made/on/demand" }),
  processConfig("directory-missing-as-user", "a missing working directory of an ordinary user", {
    cwd: "/made/on/demand",
    user: somebody,
  }),
  processConfig("directory-closed", "a working directory that the user may not enter", {
    cwd: "/root",
    user: somebody,
  }),
  processConfig("directory-is-file", "a working directory that is a file", { cwd: "/etc/passwd" }),
  processConfig("directory-untidy", "a working directory written untidily", { cwd: "/home/../home//somebody/." }),
  processConfig("directory-relative", "a relative working directory", { cwd: "home" }),
  {
    name: "directory-private-to-user",
    exercises: "a working directory that only the user may enter",
    make: (context) => {
      mkdirSync(join(context.rootfs, "home/private"), { mode: 0o700 });
      const spec = withProcess(baseSpec(context), { cwd: "/home/private", capabilities: {} });
      return spec;
    },
  },
];

const environmentConfigs: readonly DifferentialConfig[] = [
  processConfig("environment-none", "no environment", { env: [] }),
  processConfig("environment-odd", "odd variables", {
    env: ["PATH=/bin", "EMPTY=", "TWICE=1", "TWICE=2", "LINES=a\nb", "EQUALS=a=b", "UNICODE=\u00fc", "lower=1"],
  }),
  processConfig("environment-home", "HOME given", { env: ["PATH=/bin", "HOME=/elsewhere"] }),
  processConfig("environment-home-empty", "HOME given as nothing", { env: ["PATH=/bin", "HOME="] }),
  processConfig("environment-home-of-user", "HOME looked up for an ordinary user", {
    env: ["PATH=/bin"],
    user: somebody,
  }),
  processConfig("environment-without-equals", "a variable without a value", { env: ["PATH=/bin", "NOVALUE"] }),
];

const capabilities = (sets: Capabilities): { capabilities: Capabilities } => ({ capabilities: sets });
const few = ["CAP_NET_RAW", "CAP_KILL"];

const capabilityConfigs: readonly DifferentialConfig[] = [
  processConfig("capabilities-empty", "empty capability sets", capabilities({})),
  {
    name: "capabilities-absent",
    exercises: "a process without capability sets",
    make: (context) => {
      const { process, ...spec } = baseSpec(context);
      const { capabilities: _, ...rest } = process ?? { user: somebody, args: [], cwd: "/" };
      return { ...spec, process: rest };
    },
  },
  processConfig(
    "capabilities-bounding-only",
    "a bounding set above the others",
    capabilities({ bounding: defaultCapabilities, permitted: few, effective: few }),
  ),
  processConfig(
    "capabilities-ineffective",
    "permitted capabilities that are not effective",
    capabilities({ bounding: few, permitted: few, effective: [] }),
  ),
  processConfig(
    "capabilities-inheritable",
    "inheritable capabilities",
    capabilities({ bounding: few, permitted: few, effective: few, inheritable: few }),
  ),
  processConfig(
    "capabilities-ambient",
    "ambient capabilities of root",
    capabilities({ bounding: few, permitted: few, effective: few, inheritable: few, ambient: few }),
  ),
  processConfig("capabilities-ambient-as-user", "ambient capabilities of an ordinary user", {
    user: somebody,
    ...capabilities({ bounding: few, permitted: few, effective: few, inheritable: few, ambient: few }),
  }),
  processConfig("capabilities-ambient-without-inheritable", "ambient capabilities that are not inheritable", {
    user: somebody,
    ...capabilities({ bounding: few, permitted: few, effective: few, ambient: few }),
  }),
  processConfig("capabilities-as-user", "capabilities that an ordinary user loses at execution", {
    user: somebody,
    ...capabilities({ bounding: few, permitted: few, effective: few, inheritable: few }),
  }),
  processConfig(
    "capabilities-unknown",
    "a capability that no kernel has",
    capabilities({ bounding: [...few, "CAP_OF_NOTHING"], permitted: few, effective: few }),
  ),
  processConfig(
    "capabilities-beyond-bounding",
    "permitted capabilities outside the bounding set",
    capabilities({ bounding: ["CAP_KILL"], permitted: few, effective: few }),
  ),
];

const limitConfigs: readonly DifferentialConfig[] = [
  processConfig("limits", "resource limits", {
    rlimits: [
      { type: "RLIMIT_CORE", hard: 0, soft: 0 },
      { type: "RLIMIT_NOFILE", hard: 512, soft: 256 },
      { type: "RLIMIT_NPROC", hard: 5000, soft: 4000 },
      { type: "RLIMIT_CPU", hard: 1000, soft: 900 },
      { type: "RLIMIT_FSIZE", hard: 1 << 30, soft: 1 << 20 },
      { type: "RLIMIT_STACK", hard: 16 << 20, soft: 4 << 20 },
      { type: "RLIMIT_MEMLOCK", hard: 65_536, soft: 65_536 },
      { type: "RLIMIT_SIGPENDING", hard: 100, soft: 50 },
      { type: "RLIMIT_MSGQUEUE", hard: 4096, soft: 4096 },
    ],
  }),
  processConfig("limits-none", "no resource limits", { rlimits: [] }),
  processConfig("limits-soft-above-hard", "a soft limit above the hard one", {
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 100, soft: 200 }],
  }),
  processConfig("limits-duplicate", "a limit that is listed twice", {
    rlimits: [
      { type: "RLIMIT_NOFILE", hard: 512, soft: 512 },
      { type: "RLIMIT_NOFILE", hard: 256, soft: 256 },
    ],
  }),
];

const attributeConfigs: readonly DifferentialConfig[] = [
  processConfig("no-new-privileges", "no_new_privs", { noNewPrivileges: true }),
  processConfig("oom-score", "a higher OOM score", { oomScoreAdj: 500 }),
  processConfig("oom-score-highest", "the highest OOM score", { oomScoreAdj: 1000 }),
  processConfig("oom-score-out-of-range", "an OOM score that cannot be", { oomScoreAdj: 1001 }),
  processConfig("scheduler-batch", "a scheduling policy with a nice value", {
    scheduler: { policy: "SCHED_BATCH", nice: 5 },
  }),
  processConfig("scheduler-idle", "the idle scheduling policy", { scheduler: { policy: "SCHED_IDLE" } }),
  processConfig("io-priority", "an I/O priority", { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 } }),
  processConfig("io-priority-idle", "the idle I/O class", { ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 } }),
  processConfig("apparmor", "an AppArmor profile", { apparmorProfile: "unconfined" }),
  processConfig("selinux", "an SELinux label", { selinuxLabel: "system_u:system_r:container_t:s0" }),
  {
    name: "domain-name",
    exercises: "a domain name",
    make: (context) => ({ ...baseSpec(context), domainname: "example.org" }),
  },
  {
    name: "personality",
    exercises: "the 32-bit personality",
    make: (context) => withLinux(baseSpec(context), { personality: { domain: "LINUX32" } }),
  },
  {
    name: "keyring",
    exercises: "the session keyring",
    make: (context) => withLinux(baseSpec(context), { maskedPaths: [] }),
  },
];

const terminalConfigs: readonly DifferentialConfig[] = [
  processConfig("terminal", "a terminal", { terminal: true }),
  processConfig("terminal-size", "a terminal of a given size", {
    terminal: true,
    consoleSize: { height: 40, width: 100 },
  }),
  processConfig("terminal-of-user", "a terminal of an ordinary user", { terminal: true, user: somebody }),
];

/** Members of `process`. */
export const processConfigs: readonly DifferentialConfig[] = [
  ...userConfigs,
  ...directoryConfigs,
  ...environmentConfigs,
  ...capabilityConfigs,
  ...limitConfigs,
  ...attributeConfigs,
  ...terminalConfigs,
];
