import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { arch, release } from "node:os";
import { delimiter, join } from "node:path";
import { type CgroupLayout, readCgroupLayout, systemdAddresses } from "@orlop/kernel";
import { fileSystemType } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import { ownDataDirectory } from "../store/data-directory.ts";

/** The machine as the checks look at it. */
export interface DoctorHost {
  readonly uid: number;
  readonly nodeVersion: string;
  readonly architecture: string;
  readonly kernelRelease: string;
  /** What the user wants layers of images to be kept by. */
  readonly snapshotter: string | undefined;
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

/** Ordinary users often do not have these in PATH. */
const ADMINISTRATORS = ["/usr/local/sbin", "/usr/sbin", "/sbin"] as const;

export function thisHost(): DoctorHost {
  const uid = process.geteuid?.() ?? 0;
  const directories = [...(caller().env.PATH ?? "").split(delimiter).filter((each) => each !== ""), ...ADMINISTRATORS];
  return {
    uid,
    nodeVersion: process.versions.node,
    architecture: arch(),
    kernelRelease: release(),
    snapshotter: caller().env.ORLOP_SNAPSHOTTER,
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
