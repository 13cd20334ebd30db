import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { OrlopError } from "@orlop/core";

/** The CRIU to call. */
export interface CriuProgram {
  /** Absolute. */
  readonly path: string;
  /** Its environment, and that of the programs that it calls itself: iptables, tar. */
  readonly env: readonly string[];
}

/** The first version that takes every option that is sent: --lsm-profile came last. */
const OLDEST: readonly [major: number, minor: number] = [3, 16];

/** Its path, or undefined where there is none on this search path. */
export function criuPath(searchPath: string | undefined): string | undefined {
  for (const directory of (searchPath ?? "").split(delimiter)) {
    const path = join(directory, "criu");
    if (!isAbsolute(path)) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

/**
 * Finds CRIU as a caller with this environment would.
 *
 * @param what is to be done: `checkpoint container "a"`
 * @throws OrlopError `unsupported` where there is none, or one that is too old, and for an ordinary user
 */
export async function findCriu(env: Readonly<Record<string, string | undefined>>, what: string): Promise<CriuProgram> {
  if (process.geteuid?.() !== 0) {
    throw new OrlopError("unsupported", `Cannot ${what}: criu needs root`);
  }
  const path = criuPath(env.PATH);
  if (path === undefined) {
    throw new OrlopError(
      "unsupported",
      `Cannot ${what}: criu is not in $PATH\nTry installing it (Debian: apt-get install criu; Fedora: dnf install criu).`,
    );
  }
  const version = await versionOf(path, what);
  const [major = 0, minor = 0] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new OrlopError(
      "unsupported",
      `Cannot ${what}: "${path}" is criu ${version.join(".")}, and ${OLDEST.join(".")} is the oldest that will do`,
    );
  }
  return {
    path,
    env: Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  };
}

function versionOf(path: string, what: string): Promise<readonly number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
  execFile(path, ["--version"], { timeout: VERSION_TIMEOUT_MS }, (error, stdout) => {
    const [, major, minor] = /^Version: (\d+)\.(\d+)/m.exec(stdout) ?? [];
    if (major !== undefined && minor !== undefined) return resolve([Number(major), Number(minor)]);
    reject(new OrlopError("failed", `Cannot ${what}: "${path} --version" does not say a version`, { cause: error }));
  });
  return promise;
}

const VERSION_TIMEOUT_MS = 10_000;
