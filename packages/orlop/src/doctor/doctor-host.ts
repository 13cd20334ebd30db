import { once } from "node:events";
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { arch, release } from "node:os";
import { delimiter, join } from "node:path";
import { type CgroupLayout, readCgroupLayout, systemdAddresses } from "@orlop/kernel";
import { fileSystemType, isProxy, proxySocket } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import { checkNamed } from "../store/check-named.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { namedSnapshotter } from "../store/named-snapshotter.ts";

/** The machine as the checks look at it. */
export interface DoctorHost {
  readonly uid: number;
  readonly nodeVersion: string;
  readonly architecture: string;
  readonly kernelRelease: string;
  /** What the user wants layers of images to be kept by. */
  readonly snapshotter: string | undefined;
  /** Why that cannot be had, with the way out on the next line, as a run would tell. */
  readonly snapshotterProblem: string | undefined;
  /** Where this user's own systemd would listen, or a bus that leads to it. */
  readonly systemdSockets: readonly string[];
  /** Type of the file system that images are on, as statfs(2) has it. */
  readonly imageFileSystem: number;
  /** `undefined` where there is no file or this user may not read it. */
  readText(path: string): string | undefined;
  exists(path: string): boolean;
  canWrite(path: string): boolean;
  /** Where PATH, or a directory for administrators that is often not in it, has a program. */
  findProgram(name: string): string | undefined;
  cgroups(): CgroupLayout;
}

/** A socket of this machine is connected to at once, or its queue is full. */
const CONNECT_MAX_MS = 2000;
/** Ordinary users often do not have these in PATH. */
const ADMINISTRATORS = ["/usr/local/sbin", "/usr/sbin", "/sbin"] as const;

export async function thisHost(): Promise<DoctorHost> {
  const uid = process.geteuid?.() ?? 0;
  const directories = [...(caller().env.PATH ?? "").split(delimiter).filter((each) => each !== ""), ...ADMINISTRATORS];
  return {
    uid,
    nodeVersion: process.versions.node,
    architecture: arch(),
    kernelRelease: release(),
    snapshotter: namedSnapshotter(),
    snapshotterProblem: await snapshotterProblem(),
    systemdSockets: systemdAddresses(true, caller().env, uid).flatMap(({ address }) => socketPath(address) ?? []),
    imageFileSystem: fileSystemType(ownDataDirectory()),
    readText(path) {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
    exists: existsSync,
    canWrite: (path) => isAllowed(path, constants.W_OK),
    findProgram: (name) =>
      directories.map((each) => join(each, name)).find((path) => isFile(path) && isAllowed(path, constants.X_OK)),
    cgroups: readCgroupLayout,
  };
}

async function snapshotterProblem(): Promise<string | undefined> {
  const name = namedSnapshotter();
  if (name === undefined) return undefined;
  try {
    checkNamed(name, ownDataDirectory());
    if (isProxy(name)) await connectOnce(proxySocket(name));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error where nobody listens */
async function connectOnce(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_MAX_MS) });
  } catch (cause) {
    const { code = (cause as Error).name } = cause as NodeJS.ErrnoException;
    throw new Error(`Cannot connect to "${path}": ${code}\nTry to start what listens there.`, { cause });
  } finally {
    socket.destroy();
  }
}

/** `unix:path=/run/user/1000/bus,guid=...`; undefined for a socket without a path. */
function socketPath(address: string): string | undefined {
  return /^unix:path=([^,;]+)/.exec(address)?.[1];
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
