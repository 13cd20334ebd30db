import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { patience } from "./patience.ts";

/** Namespaces by their names in /proc/PID/ns, as unshare(1) spells them. */
export type HeldNamespace = "ipc" | "net" | "pid" | "user" | "uts" | "cgroup" | "time";

/** A process that keeps namespaces alive until it is disposed of. */
export interface NamespaceHolder extends AsyncDisposable {
  /** `/proc/PID/ns/net`, to be joined. */
  path(type: HeldNamespace): string;
  /** `net:[4026531840]`, to be recognised. */
  identity(type: HeldNamespace): string;
}

const startTimeMaxMs = patience(5_000);

/** What `user` maps: its root is an ordinary id of the host. */
export const HELD_USER_MAPPING = { containerID: 0, hostID: 100_000, size: 65_536 } as const;

const flags: Readonly<Record<HeldNamespace, readonly string[]>> = {
  ipc: ["--ipc"],
  net: ["--net"],
  pid: ["--pid", "--fork", "--kill-child"],
  user: ["--user"],
  uts: ["--uts"],
  cgroup: ["--cgroup"],
  time: ["--time", "--fork", "--kill-child"],
};

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + startTimeMaxMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new OrlopError("failed", `Cannot hold namespaces: ${what} did not happen in ${startTimeMaxMs} ms`);
    }
    await sleep(2);
  }
}

/** The last process of the chain that unshare(1) makes: itself, or with `--fork` its child. Its name says it is ready. */
function sleeper(pid: number): number | undefined {
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n") return pid;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return child === undefined || child === "" ? undefined : sleeper(Number(child));
  } catch {
    return undefined;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

/** Done here and not by unshare(1): its own way needs newuidmap, and the order of the numbers changed in 2.39. */
function mapIds(pid: number): void {
  const { containerID, hostID, size } = HELD_USER_MAPPING;
  for (const file of ["uid_map", "gid_map"])
    writeFileSync(`/proc/${pid}/${file}`, `${containerID} ${hostID} ${size}\n`);
}

/**
 * Starts a process in new namespaces of these types. `user` maps `HELD_USER_MAPPING`. Needs root.
 *
 * @param parent path of a user namespace of an ordinary user's: they belong to a new child of it, whose root that user is
 */
export async function holdNamespaces(types: readonly HeldNamespace[], parent?: string): Promise<NamespaceHolder> {
  const args = ["unshare", ...new Set(types.flatMap((type) => flags[type]))];
  const below = ["nsenter", `--user=${parent}`, "--preserve-credentials", ...args, "--user", "--map-root-user"];
  const [command = "", ...words] = parent === undefined ? args : below;
  const child = spawn(command, [...words, "sleep", "600"], { stdio: "ignore" });
  // A missing unshare shows as a process that never starts.
  child.once("error", () => {});
  try {
    const pid = await until("the start of unshare", () => (child.pid === undefined ? undefined : sleeper(child.pid)));
    if (types.includes("user")) mapIds(pid);
    const path = (type: HeldNamespace): string => `/proc/${pid}/ns/${type}`;
    return { path, identity: (type) => readlinkSync(path(type)), [Symbol.asyncDispose]: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}
