import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { freezerDirectory, listProcesses, readFreezerState } from "@orlop/kernel";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { thawIfFrozen } from "../process/container-status.ts";
import { FollowedProgram } from "../process/followed-program.ts";
import { type MountEntry, readMountTable } from "../process/mount-table.ts";
import { compileDump } from "./compile-dump.ts";
import { type CriuChoices, commonOptions, whereOn } from "./criu-choices.ts";
import { criuFailure } from "./criu-failure.ts";
import { type CriuOptions, encodeCriuRequest } from "./criu-request.ts";
import { dumpedMounts } from "./external-mounts.ts";
import { dumpedNamespaces } from "./external-namespaces.ts";
import type { CriuProgram } from "./find-criu.ts";
import { ImageDirectory } from "./image-directory.ts";
import { keepStreams, outsideStreams, standardStreams } from "./standard-streams.ts";

export interface DumpChoices extends CriuChoices {
  readonly leaveRunning?: boolean;
  readonly tcpSkipInFlight?: boolean;
  readonly linkRemap?: boolean;
  /** Only the memory: the container goes on, and a later dump with this one as its parent has less to write. */
  readonly preDump?: boolean;
  /** Of an earlier pre-dump, relative to `imagePath`. */
  readonly parentPath?: string;
  /** Takes the memory's pages instead of the image directory. */
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** Descriptor, by its number in programs, that gets a NUL when CRIU serves pages. */
  readonly statusFd?: number;
}

/** A container to dump: one that runs, or is paused. */
interface DumpedContainer {
  readonly record: ContainerRecord;
  /** Of init. */
  readonly pid: number;
}

const LOG_FILE = "dump.log";

/**
 * Saves a container. Afterwards it has been killed, unless it was to be left running. What fails leaves it as it was, and
 * no more than a log in the image directory.
 */
export async function dumpContainer(
  runner: HookRunner,
  container: DumpedContainer,
  criu: CriuProgram,
  choices: DumpChoices,
): Promise<void> {
  const { id, cgroups } = container.record;
  const { imagePath, workPath } = choices;
  const what = `checkpoint container "${id}"`;
  const mounts = readMountTable(container.pid);
  refuseIdmapped(what, mounts);
  const images = new ImageDirectory(imagePath);
  if (workPath !== undefined) mkdirSync(workPath, { recursive: true, mode: 0o700 });
  const logPath = join(workPath ?? imagePath, LOG_FILE);
  rmSync(logPath, { force: true });
  const wasFrozen = readFreezerState(cgroups) === "frozen";
  try {
    await callCriu(runner, container, criu, choices, mounts);
  } catch (error) {
    // A CRIU that was killed has not done it.
    if (!wasFrozen) thawIfFrozen(cgroups);
    images.discard();
    throw error instanceof OrlopError ? criuFailure(what, logPath, error) : error;
  }
}

async function callCriu(
  { zygote, host }: HookRunner,
  { record, pid }: DumpedContainer,
  criu: CriuProgram,
  choices: DumpChoices,
  mounts: readonly MountEntry[],
): Promise<void> {
  const { preDump = false, imagePath, workPath, statusFd } = choices;
  const { streams: opened = [], cgroups } = record;
  const streams = standardStreams(pid, mounts, { opened, pids: listProcesses(cgroups) });
  if (!preDump) keepStreams(imagePath, streams);
  const request = encodeCriuRequest(preDump ? "preDump" : "dump", {
    ...commonOptions(choices, record.annotations, LOG_FILE),
    ...dumpOptions(choices, record),
    pid,
    external: [
      ...dumpedMounts(record.outsideMounts ?? [], `/proc/${pid}/root`, mounts, readMountTable()),
      ...dumpedNamespaces(record.joinedNamespaces ?? [], pid),
      ...outsideStreams(streams),
    ],
  });
  const program = compileDump({
    host,
    criu,
    request,
    imagePath,
    ...(workPath === undefined ? {} : { workPath }),
    ...(statusFd === undefined ? {} : { statusFd }),
  });
  const followed = new FollowedProgram(program);
  zygote.submit(program, followed.onReport);
  await followed.exited.promise;
}

function dumpOptions(choices: DumpChoices, { cgroups }: ContainerRecord): CriuOptions {
  const { parentPath, pageServer, leaveRunning, tcpSkipInFlight, linkRemap, preDump } = choices;
  const freezeCgroup = freezerDirectory(cgroups);
  return {
    ...whereOn({ leaveRunning, tcpSkipInFlight, linkRemap, trackMem: preDump === true || parentPath !== undefined }),
    ...(freezeCgroup === undefined ? {} : { freezeCgroup }),
    ...(parentPath === undefined ? {} : { parentImg: parentPath }),
    ...(pageServer === undefined ? {} : { ps: pageServer }),
  };
}

/** CRIU would mount them again without their mappings: what lies there would belong to somebody else. */
function refuseIdmapped(what: string, mounts: readonly MountEntry[]): void {
  const idmapped = mounts.find(({ options }) => options.includes("idmapped"));
  if (idmapped === undefined) return;
  throw new OrlopError(
    "unsupported",
    `Cannot ${what}: criu knows no idmapped mounts, and "${idmapped.mountPoint}" is one`,
  );
}
