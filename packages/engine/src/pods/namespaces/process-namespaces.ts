import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, type LinuxNamespaceType, type Runtime, unlessMissing } from "@orlop/core";
import type { EngineContext } from "../../engine-context.ts";
import { podCgroup } from "../pod-cgroup.ts";
import type { PodDescription, PodNamespace } from "../pod-description.ts";
import { podStateDirectory } from "../pod-places.ts";
import type { HeldNamespaces, PodNamespaces } from "./pod-namespaces.ts";

const TYPES: Readonly<Record<PodNamespace, LinuxNamespaceType>> = {
  net: "network",
  ipc: "ipc",
  uts: "uts",
  pid: "pid",
};

type Context = Pick<EngineContext, "runtime" | "directory" | "stateDirectory">;

/**
 * Namespaces held by the machine's own small init, a process of some kilobytes, where nothing else can: the ids of processes
 * need a first process, and what an ordinary user mounts is there for nobody else. It executes nothing of anybody's files.
 */
export class ProcessNamespaces implements PodNamespaces {
  readonly #context: Context;
  readonly #rootless: boolean;

  constructor(context: Context, rootless: boolean) {
    this.#context = context;
    this.#rootless = rootless;
  }

  async hold(pod: PodDescription, parent?: string): Promise<HeldNamespaces> {
    const runtime = await this.#runtime();
    // Of a start that was cut off.
    await this.release(pod);
    if (pod.share.includes("ipc")) {
      mkdirSync(join(podStateDirectory(this.#context, pod.id), "shm"), { recursive: true, mode: 0o700 });
    }
    const create = runtime.run?.bind(runtime) ?? runtime.create.bind(runtime);
    const below = parent === undefined ? {} : { userNamespaceParent: parent };
    const { pid } = await create({ ...this.#request(pod), ...below });
    if (pid === undefined) throw new Error("what the process runtime makes has a process");
    return this.#held(pod, pid);
  }

  async find(pod: PodDescription): Promise<HeldNamespaces | undefined> {
    const state = await unlessMissing((await this.#runtime()).state(pod.id));
    if (state === undefined || state.status === "stopped" || state.pid === undefined) return undefined;
    return this.#held(pod, state.pid);
  }

  async release(pod: PodDescription): Promise<void> {
    await (await this.#runtime()).delete(pod.id, { force: true });
    rmSync(podStateDirectory(this.#context, pod.id), { recursive: true, force: true });
  }

  async #runtime(): Promise<Runtime> {
    return await this.#context.runtime("process");
  }

  #held({ id, share }: PodDescription, pid: number): HeldNamespaces {
    return {
      paths: Object.fromEntries(share.map((name) => [name, `/proc/${pid}/ns/${name}`])),
      ...(this.#rootless ? { user: `/proc/${pid}/ns/user` } : {}),
      ...(share.includes("ipc") ? { sharedMemory: join(podStateDirectory(this.#context, id), "shm") } : {}),
    };
  }

  #request({ id, share, names, sysctl, cgroupParent }: PodDescription): CreateRequest {
    const { hostname, domainname } = names;
    const [uid = 0, gid = 0] = [process.geteuid?.(), process.getegid?.()];
    const user = this.#rootless
      ? {
          uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
          gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
        }
      : {};
    // Its procfs, through which kernel parameters are set, is that of process ids of its own, shared or not.
    const types = new Set<LinuxNamespaceType>(["mount", "pid", ...share.map((name) => TYPES[name])]);
    if (this.#rootless) types.add("user");
    return {
      id,
      bundle: "/",
      rootfs: { kind: "tree", entries: [{ kind: "directory", path: "proc", mode: 0o555 }] },
      stdio: { stdin: "null", stdout: "null", stderr: "null" },
      init: "alone",
      detached: true,
      spec: {
        ociVersion: "1.2.0",
        root: { path: "/", readonly: true },
        process: { args: ["pod"], cwd: "/", user: { uid: 0, gid: 0 }, noNewPrivileges: true, capabilities: {} },
        ...(share.includes("uts") ? { hostname, ...(domainname === undefined ? {} : { domainname }) } : {}),
        mounts: [{ destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] }],
        linux: {
          namespaces: [...types].map((type) => ({ type })),
          sysctl,
          cgroupsPath: `${podCgroup({ id, ...(cgroupParent === undefined ? {} : { cgroupParent }) })}/${id}`,
          ...user,
        },
      },
    };
  }
}
