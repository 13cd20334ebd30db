import { mkdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ConstantName, IFREQ_FLAGS, type ProgramBuilder } from "@orlop/kernel";
import type { EngineContext } from "../../engine-context.ts";
import type { PodDescription, PodNamespace } from "../pod-description.ts";
import { podStateDirectory } from "../pod-places.ts";
import type { HeldNamespaces, PodNamespaces } from "./pod-namespaces.ts";
import { runProgram } from "./run-program.ts";

/** Those that a process can leave to a file: a namespace of process ids ends with its first process. */
const FLAGS: Readonly<Record<Exclude<PodNamespace, "pid">, ConstantName>> = {
  net: "CLONE_NEWNET",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
};

type Bindable = keyof typeof FLAGS;

/** NSFS_MAGIC of linux/magic.h: what a file of a namespace is on. */
const NSFS_MAGIC = 0x6e73_6673;
const IFF_UP = 1;

/**
 * Namespaces held by files that they are bound to (namespaces(7)): no process stays. Needs root, and is known to those who
 * share this mount namespace.
 */
export class BoundNamespaces implements PodNamespaces {
  readonly #places: Pick<EngineContext, "directory" | "stateDirectory">;

  constructor(places: Pick<EngineContext, "directory" | "stateDirectory">) {
    this.#places = places;
  }

  async hold(pod: PodDescription): Promise<HeldNamespaces> {
    // Of a start that was cut off.
    await this.release(pod);
    const directory = podStateDirectory(this.#places, pod.id);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    const names = bindable(pod);
    try {
      for (const name of names) writeFileSync(join(directory, name), "", { mode: 0o444 });
      if (names.includes("ipc")) mkdirSync(join(directory, SHM));
      await runProgram(`make namespaces of pod "${pod.name}"`, (p) => emitHold(p, pod, directory));
    } catch (error) {
      await this.release(pod);
      throw error;
    }
    return this.#held(pod);
  }

  async find(pod: PodDescription): Promise<HeldNamespaces | undefined> {
    const held = this.#held(pod);
    return Object.values(held.paths).every(isNamespace) ? held : undefined;
  }

  async release(pod: PodDescription): Promise<void> {
    const directory = podStateDirectory(this.#places, pod.id);
    const mounted = [...bindable(pod), SHM].map((name) => join(directory, name)).filter(isMounted);
    if (mounted.length > 0) {
      await runProgram(`let go of namespaces of pod "${pod.name}"`, (p) => {
        for (const path of mounted) {
          p.step({ action: `unmount "${path}"` });
          p.call("umount2", [p.text(path), p.flags("MNT_DETACH")], { ignore: ["EINVAL", "ENOENT"] });
        }
      });
    }
    rmSync(directory, { recursive: true, force: true });
  }

  #held(pod: PodDescription): HeldNamespaces {
    const directory = podStateDirectory(this.#places, pod.id);
    const names = bindable(pod);
    return {
      paths: Object.fromEntries(names.map((name) => [name, join(directory, name)])),
      ...(names.includes("ipc") ? { sharedMemory: join(directory, SHM) } : {}),
    };
  }
}

const SHM = "shm";

function bindable({ share }: PodDescription): readonly Bindable[] {
  return share.filter((name) => name !== "pid");
}

function emitHold(
  p: ProgramBuilder,
  { share, names, shmSizeBytes, sysctl, ...pod }: PodDescription,
  directory: string,
) {
  const own = bindable({ share } as PodDescription);
  p.step({ action: `make namespaces ${own.join(", ")}` });
  p.call("unshare", [p.flags(own.map((name) => FLAGS[name]).join("|") || "0")]);
  if (own.includes("net")) emitLoopback(p);
  if (own.includes("uts")) {
    p.step({ action: `set host name "${names.hostname}"` });
    p.call("sethostname", [p.text(names.hostname), Buffer.byteLength(names.hostname)]);
    if (names.domainname !== undefined) {
      p.step({ action: `set domain name "${names.domainname}"` });
      p.call("setdomainname", [p.text(names.domainname), Buffer.byteLength(names.domainname)]);
    }
  }
  for (const [name, value] of Object.entries(sysctl)) emitSysctl(p, name, value);
  if (own.includes("ipc")) {
    const path = join(directory, SHM);
    p.step({ action: `mount memory to share at "${path}"` });
    const flags = p.flags("MS_NOSUID|MS_NODEV|MS_NOEXEC");
    const options = p.text(`mode=1777,size=${shmSizeBytes}`);
    p.call("mount", [p.text("shm"), p.text(path), p.text("tmpfs"), flags, options]);
  }
  for (const name of own) {
    const path = join(directory, name);
    p.step({ action: `bind ${name} namespace of pod "${pod.name}" to "${path}"` });
    p.call("mount", [p.text(`/proc/self/ns/${name}`), p.text(path), 0, p.flags("MS_BIND"), 0]);
  }
}

function emitLoopback(p: ProgramBuilder): void {
  const socket = p.slot("socket");
  p.step({ action: 'bring up "lo"' });
  p.call("socket", [p.flags("AF_INET"), p.flags("SOCK_DGRAM|SOCK_CLOEXEC"), 0], { into: socket });
  const request = p.struct(IFREQ_FLAGS, { ifr_name: Buffer.from("lo"), ifr_flags: p.number(IFF_UP, "IFF_UP") });
  p.call("ioctl", [socket, p.flags("SIOCSIFFLAGS"), request]);
  p.call("close", [socket]);
}

/** What lies in /proc/sys is that of the process which opens it. */
function emitSysctl(p: ProgramBuilder, name: string, value: string): void {
  const file = p.slot("sysctl");
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  const bytes = Buffer.from(value);
  p.step({ action: `set sysctl "${name}" to "${value}"` });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: file });
  p.call("write", [file, p.bytes(bytes), bytes.length]);
  p.call("close", [file]);
}

function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC;
  } catch {
    return false;
  }
}

/** Whether something is mounted there: it is on another file system than what it lies in. */
function isMounted(path: string): boolean {
  try {
    return statSync(path).dev !== statSync(dirname(path)).dev;
  } catch {
    return false;
  }
}
