import { existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { CgroupLayout, Program } from "@orlop/kernel";
import type { CreatePlan } from "../process/compilation.ts";
import { type MountEntry, readMountTable } from "../process/mount-table.ts";
import { outsideMounts } from "../process/outside-mounts.ts";
import { cgroupRoots } from "./cgroup-roots.ts";
import { compileRestore } from "./compile-restore.ts";
import { type CriuChoices, commonOptions, whereOn } from "./criu-choices.ts";
import { type CriuOptions, encodeCriuRequest } from "./criu-request.ts";
import { CRIU_FD } from "./emit-criu.ts";
import { restoredMounts } from "./external-mounts.ts";
import { restoredNamespaces } from "./external-namespaces.ts";
import type { CriuProgram } from "./find-criu.ts";
import { checkImages } from "./image-directory.ts";
import { inheritedStreams, keptStreams } from "./standard-streams.ts";

export interface RestoreChoices extends CriuChoices {
  /** Connections are restored as closed ones. */
  readonly tcpClose?: boolean;
  /** `TYPE:NAME` of the AppArmor profile or SELinux label, instead of the dumped one. */
  readonly lsmProfile?: string;
  /** SELinux label of mounts, instead of the dumped one. */
  readonly lsmMountContext?: string;
}

const LOG_FILE = "restore.log";

/** Where CRIU tells what it does. */
export function restoreLog({ imagePath, workPath }: CriuChoices): string {
  return join(workPath ?? imagePath, LOG_FILE);
}

/** What is looked at before anything is made. @throws OrlopError `not-found`, `invalid` for images that cannot be used */
export function prepareRestore(choices: CriuChoices): void {
  checkImages(choices.imagePath);
  if (choices.workPath !== undefined) mkdirSync(choices.workPath, { recursive: true, mode: 0o700 });
  rmSync(restoreLog(choices), { force: true });
}

/**
 * The program that restores a container of this plan from its images.
 *
 * @param stops whether it waits for a command once the namespaces are there
 */
export function planRestore(
  plan: CreatePlan,
  criu: CriuProgram,
  choices: RestoreChoices,
  layout: CgroupLayout,
  stops: boolean,
): Program {
  const root = placeOfRoot(plan);
  const streams = keptStreams(choices.imagePath);
  const options = restoreOptions(plan, choices, { root, streams, mounts: readMountTable(), layout });
  const { imagePath, workPath } = choices;
  return compileRestore(plan, {
    criu,
    request: encodeCriuRequest("restore", options),
    imagePath,
    ...(workPath === undefined ? {} : { workPath }),
    namespaces: restoredNamespaces(plan).inherited.map(({ path }) => path),
    root,
    stops,
  });
}

/** Where CRIU finds the root file system, without links: layers are put together in the container's directory. */
function placeOfRoot({ request, rootfs, stateDirectory }: CreatePlan): string {
  if (rootfs.kind === "directory") return realpathSync(rootfs.path);
  if (rootfs.kind === "overlay" && rootfs.writes !== "discard") {
    return join(realpathSync(dirname(stateDirectory)), basename(stateDirectory), "root");
  }
  const what =
    rootfs.kind === "disk"
      ? "its root file system is a disk, with which nobody has tried it"
      : "what it had written to its root file system went with it";
  throw new OrlopError("unsupported", `Cannot restore container "${request.id}": ${what}`);
}

/** What a restore finds on the machine. */
interface RestoreSurroundings {
  /** Of the root file system, without links. */
  readonly root: string;
  readonly streams: readonly string[];
  readonly mounts: readonly MountEntry[];
  readonly layout: CgroupLayout;
}

/** What CRIU is asked for. */
export function restoreOptions(plan: CreatePlan, choices: RestoreChoices, around: RestoreSurroundings): CriuOptions {
  const namespaces = restoredNamespaces(plan);
  const { tcpClose, lsmProfile, lsmMountContext } = choices;
  return {
    ...commonOptions(choices, plan.request.spec.annotations ?? {}, LOG_FILE),
    ...whereOn({ rstSibling: true, evasiveDevices: true, tcpClose }),
    root: around.root,
    external: restoredMounts(outsideMounts(plan), around.mounts),
    inheritFd: [
      ...inheritedStreams(around.streams).map(({ key, fd = CRIU_FD.null }) => ({ key, fd })),
      ...namespaces.inherited.map(({ key }, index) => ({ key, fd: CRIU_FD.namespaces + index })),
    ],
    joinNs: namespaces.joinNs,
    cgRoot: plan.cgroup === undefined ? [] : cgroupRoots(around.layout, plan.cgroup.directories),
    ...(lsmProfile === undefined ? {} : { lsmProfile }),
    ...(lsmMountContext === undefined ? {} : { lsmMountContext }),
  };
}

/** CRIU keeps the clocks of what it restores right by a time namespace, where the kernel has those. */
export function restoredTimeNamespace(): readonly "time"[] {
  return existsSync("/proc/self/ns/time") ? ["time"] : [];
}
