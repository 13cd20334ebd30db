import { readlinkSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { goesByCrun } from "./goes-by-crun.ts";
import type { OciCreate } from "./oci-containers.ts";
import type { VerbContext } from "./verb.ts";

/**
 * Leaves beside the container's own files the one that crun leaves in the same place, for callers of that name that look
 * there: whether it exists, and for what the process had as standard streams. Nothing here reads it.
 */
export function writeCrunStatus({ call, globals }: VerbContext, request: OciCreate, pid: number | undefined): void {
  if (pid === undefined || !goesByCrun(call)) return;
  const { id, bundle, spec } = request;
  const status = {
    pid,
    "cgroup-path": spec.linux?.cgroupsPath ?? "",
    rootfs: isAbsolute(spec.root.path) ? spec.root.path : join(bundle, spec.root.path),
    "systemd-cgroup": globals.cgroupDriver === "systemd",
    bundle,
    created: new Date().toISOString(),
    detached: true,
    external_descriptors: JSON.stringify([0, 1, 2].map((fd) => streamOf(pid, fd))),
  };
  try {
    writeFileSync(join(globals.root, id, "status"), JSON.stringify(status), { mode: 0o600 });
  } catch (error) {
    // It has been deleted since.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** What a standard stream is; empty where this cannot be seen, or the process has ended. */
function streamOf(pid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}
