import type { CgroupsMode } from "./cgroup-roots.ts";
import { CGROUP_MODES, type CriuOptions } from "./criu-request.ts";
import { CRIU_FD } from "./emit-criu.ts";

/** What a dump and a restore are both told. */
export interface CriuChoices {
  /** Absolute; of the images. */
  readonly imagePath: string;
  /** Absolute; of CRIU's logs and working files, if not the images'. */
  readonly workPath?: string;
  readonly tcpEstablished?: boolean;
  readonly extUnixSk?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly lazyPages?: boolean;
  readonly autoDedup?: boolean;
  /** CRIU's own by default: `soft`. */
  readonly cgroupsMode?: CgroupsMode;
  /** CRIU's configuration where the container's annotation names none; runc's by default. */
  readonly configFile?: string;
}

/** CLONE_NEWNET, include/uapi/linux/sched.h. */
const CLONE_NEWNET = 0x4000_0000;

/** Errors alone are level 1; this is the most. */
const LOG_LEVEL = 4;

/** A configuration file of CRIU's for one container; the empty string for none. */
const CONFIG_ANNOTATION = "org.criu.config";
/** Of the runtime that this one stands in for; CRIU passes over one that is not there. */
const CONFIG_FILE = "/etc/criu/runc.conf";

/** Options that both have. A network is made and taken down by others, so that its namespace is always an empty one. */
export function commonOptions(
  choices: CriuChoices,
  annotations: Readonly<Record<string, string>>,
  logFile: string,
): CriuOptions {
  const { workPath, cgroupsMode, tcpEstablished, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup } = choices;
  const configFile = annotations[CONFIG_ANNOTATION] ?? choices.configFile ?? CONFIG_FILE;
  return {
    imagesDirFd: CRIU_FD.images,
    ...(workPath === undefined ? {} : { workDirFd: CRIU_FD.work }),
    logFile,
    logLevel: LOG_LEVEL,
    notifyScripts: true,
    orphanPtsMaster: true,
    emptyNs: CLONE_NEWNET,
    manageCgroups: true,
    ...(cgroupsMode === undefined ? {} : { manageCgroupsMode: CGROUP_MODES[cgroupsMode] }),
    ...(configFile === "" ? {} : { configFile }),
    ...whereOn({ tcpEstablished, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup }),
  };
}

/** Those that are true. */
export function whereOn<Name extends string>(
  flags: Readonly<Record<Name, boolean | undefined>>,
): Readonly<Partial<Record<Name, true>>> {
  const on = Object.entries(flags).filter(([, value]) => value === true);
  return Object.fromEntries(on) as Partial<Record<Name, true>>;
}
