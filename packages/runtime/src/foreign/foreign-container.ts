import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ContainerStats, type CreateRequest, OrlopError, parseContainerId, stringifyJson } from "@orlop/core";
import {
  type CgroupDirectory,
  cgroupsOfProcess,
  killCgroup,
  parseCgroupsPath,
  planCgroup,
  readCgroupLayout,
  readCgroupStats,
  readOomEvents,
  removeCgroups,
} from "@orlop/kernel";
import type { CreatePlan } from "../process/compilation.ts";
import { ContainerDirectory } from "../process/container-directory.ts";
import { recordOf } from "../process/container-record.ts";
import { containerStats } from "../process/container-stats.ts";
import { passwdFiles, withHome } from "../process/home-directory.ts";
import type { HostView } from "../process/supervision.ts";
import { attachedInit } from "./attached-init.ts";
import { cgroupsPathOf, hasInit, hostedSpec, rootOf } from "./hosted-spec.ts";

const CGROUPS = "cgroups.json";

/**
 * What we keep of a container that another program makes, in a directory as our own containers have one, and in it also:
 *
 * - `bundle/<id>/config.json` what the other program is given
 * - `rootfs/` an empty directory; the root file system is mounted there, for the reaper's eyes only
 * - `cgroups.json` where the other program has put init
 */
export class ForeignContainer {
  readonly directory: ContainerDirectory;
  readonly id: string;

  constructor(root: string, id: string) {
    this.id = id;
    this.directory = new ContainerDirectory(join(root, parseContainerId(id)));
  }

  path(name: string): string {
    return join(this.directory.path, name);
  }

  /** Shims expect that it is called as the container is. */
  get bundle(): string {
    return join(this.path("bundle"), this.id);
  }

  /** Of what passes the streams of init on, where the other program does not do it. */
  get streams(): ContainerDirectory {
    return new ContainerDirectory(this.path("streams"));
  }

  /** Throws `exists` when the id is taken. */
  make(request: CreateRequest, host: HostView): void {
    const { id } = request;
    if (request.timeLimitMs !== undefined) {
      const what = "the program that makes it knows no limit of time";
      throw new OrlopError("unsupported", `Cannot create container "${id}": ${what}`, { field: "timeLimitMs" });
    }
    const location = parseCgroupsPath(cgroupsPathOf(request), { driver: "cgroupfs", containerId: id, rootless: false });
    const plan: CreatePlan = {
      request,
      rootfs: rootOf(request),
      stateDirectory: this.directory.path,
      style: { startOnCommand: true },
      cgroup: planCgroup(readCgroupLayout(), location, {}, { rootless: false }),
      seccomp: undefined,
      host,
    };
    this.directory.create(recordOf(plan, []), undefined);
  }

  /**
   * Removes what the other program has left although it was told to remove everything: of what it had made by half when it
   * was killed it knows nothing. `state` is where it keeps what it knows of the container.
   */
  async sweep(state: string): Promise<void> {
    const left = this.directory.record(this.id).cgroups.filter(({ path }) => existsSync(path));
    if (left.length > 0) {
      await killCgroup(left);
      await removeCgroups(left.map(({ path }) => path));
    }
    rmSync(state, { recursive: true, force: true });
  }

  /** Gives the directory that is to be the root. */
  writeBundle(request: CreateRequest, host: HostView): string {
    const { spec } = request;
    const rootfs = rootOf(request);
    const root = rootfs.kind === "directory" ? rootfs.path : this.path("rootfs");
    const init = this.path("init");
    const config = stringifyJson(hostedSpec(request, root, init));
    if (rootfs.kind !== "directory") mkdirSync(root, { mode: 0o700 });
    if (hasInit(request) && spec.process !== undefined) {
      const process = withHome(spec.process, passwdFiles(spec, rootfs));
      // A copy for this container alone: whatever happens to it happens to nobody else (CVE-2019-5736).
      writeFileSync(init, attachedInit(process, host, this.directory.path, request.init === "alone"), { mode: 0o555 });
    }
    mkdirSync(this.bundle, { mode: 0o700, recursive: true });
    writeFileSync(join(this.bundle, "config.json"), config, { mode: 0o600 });
    return root;
  }

  /** Looks up and keeps the cgroups that the other program has put init into. */
  keepCgroups(pid: number): void {
    const path = this.path(CGROUPS);
    writeFileSync(`${path}.new`, JSON.stringify(cgroupsOfProcess(pid)), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** None where whoever made the container died before it could keep them. */
  #cgroups(): readonly CgroupDirectory[] {
    try {
      return JSON.parse(readFileSync(this.path(CGROUPS), "utf8")) as readonly CgroupDirectory[];
    } catch {
      return [];
    }
  }

  stats(): ContainerStats {
    return containerStats(readCgroupStats(this.#cgroups()));
  }

  /** The kernel has killed something in the container for lack of memory; its cgroups stay until it is deleted. */
  outOfMemory(): boolean {
    return (readOomEvents(this.#cgroups())?.kills ?? 0n) > 0n;
  }
}
