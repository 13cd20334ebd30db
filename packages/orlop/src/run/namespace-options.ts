import { OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** Another container, by its name or id. */
export interface OfContainer {
  readonly container: string;
}

/** What `--pid`, `--ipc`, `--uts` and `--cgroupns` ask for; what is absent the container has of its own. */
export interface NamespaceChoices {
  readonly pid?: "host" | OfContainer;
  /** `shareable`: of its own, and others may have it too. `none`: of its own, without /dev/shm. */
  readonly ipc?: "host" | "shareable" | "none" | OfContainer;
  readonly uts?: "host";
  readonly cgroup?: "host";
  /** As it is for root's containers, whoever says so. */
  readonly user?: "host";
}

/**
 * Reads them, in docker's words where it refuses.
 *
 * @param rootless it is an ordinary user who asks
 * @throws OrlopError `invalid`, `unsupported`
 */
export function readNamespaceChoices(flags: ParsedFlags, rootless: boolean): NamespaceChoices {
  const user = userChoice(flags, rootless);
  const [pid, ipc, uts, cgroup] = [text(flags, "pid"), text(flags, "ipc"), text(flags, "uts"), text(flags, "cgroupns")];
  if (uts !== undefined && uts !== "host") throw new OrlopError("invalid", "--uts: invalid UTS mode");
  if (cgroup !== undefined && cgroup !== "host") throw new OrlopError("invalid", "--cgroupns: invalid CGROUP mode");
  if (uts === "host" && (flags.has("hostname") || flags.has("domainname"))) {
    throw new OrlopError("invalid", "conflicting options: hostname and the UTS mode");
  }
  return {
    ...(pid === undefined ? {} : { pid: pid === "host" ? pid : ofContainer(pid, "--pid: invalid PID mode") }),
    ...(ipc === undefined ? {} : { ipc: ipcChoice(ipc) }),
    ...(uts === undefined ? {} : { uts }),
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(user === undefined ? {} : { user }),
  };
}

/** Undefined for what every container has: one of its own. */
function text(flags: ParsedFlags, name: string): string | undefined {
  const given = flags.text(name);
  return given === "" || given === "private" ? undefined : given;
}

function ipcChoice(given: string): NonNullable<NamespaceChoices["ipc"]> {
  if (given === "host" || given === "shareable" || given === "none") return given;
  return ofContainer(given, `invalid IPC mode: ${given}`);
}

function ofContainer(given: string, words: string): OfContainer {
  const [, container] = /^container:(.+)$/s.exec(given) ?? [];
  if (container === undefined) throw new OrlopError("invalid", words);
  return { container };
}

/** Docker has `host` alone, which is the case for root; an ordinary user can be in none but one of his own. */
function userChoice(flags: ParsedFlags, rootless: boolean): "host" | undefined {
  const mode = flags.text("userns");
  if (mode === undefined || mode === "") return undefined;
  if (mode === "host" && !rootless) return mode;
  if (mode !== "host" && !/^(auto|keep-id|nomap|private|ns|container)(:.*)?$/.test(mode)) {
    throw new OrlopError("invalid", "--userns: invalid USER mode");
  }
  const what = rootless
    ? "an ordinary user's containers have a user namespace of their own, where user 0 is the caller"
    : "root's containers have this machine's user namespace: host";
  throw new OrlopError("unsupported", `Cannot use flag "--userns": ${what}`, { field: "userns" });
}
