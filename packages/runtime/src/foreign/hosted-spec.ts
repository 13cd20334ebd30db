import { existsSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type CreateRequest, type Mount, OrlopError, type RootFilesystem, type RuntimeSpec } from "@orlop/core";
import { layerPath } from "../process/overlay-root.ts";
import { behindInit } from "./attached-init.ts";

/** The root file system of a request, where the spec alone names it, too. */
export function rootOf({ rootfs, spec, bundle }: CreateRequest): RootFilesystem {
  return rootfs ?? { kind: "directory", path: absolute(spec.root.path, bundle) };
}

/**
 * The config that another program is given, in a bundle of its own: every path absolute, the root at `rootPath`,
 * and where an init is asked for, the one in the file `initPath`.
 *
 * @throws OrlopError `not-found` for what the host does not have; other programs say that in many ways
 */
export function hostedSpec(request: CreateRequest, rootPath: string, initPath: string): RuntimeSpec {
  const { spec, bundle } = request;
  for (const path of directoriesOf(rootOf(request))) {
    if (!existsSync(path)) {
      throw new OrlopError(
        "not-found",
        `Cannot use root file system "${path}": no such file or directory (root.path)`,
        {
          field: "root.path",
        },
      );
    }
  }
  const mounts = spec.mounts?.map((mount, index) => absoluteMount(mount, bundle, `mounts[${index}].source`));
  const hosted = {
    ...spec,
    root: { ...spec.root, path: rootPath },
    ...(mounts === undefined ? {} : { mounts }),
    // Named, so that we know what to remove where the other program does not.
    linux: { ...spec.linux, cgroupsPath: cgroupsPathOf(request) },
  };
  if (!hasInit(request) || spec.process === undefined) return hosted;
  const { process, mount } = behindInit(spec.process, initPath);
  return { ...hosted, process, mounts: [...(mounts ?? []), mount] };
}

/** It begins with the small init, which is a program of its own then. */
export function hasInit({ init = false }: CreateRequest): boolean {
  return init !== false;
}

/** Where the container's cgroup is to be, also where the config leaves that to the runtime. */
export function cgroupsPathOf({ id, spec }: CreateRequest): string {
  return spec.linux?.cgroupsPath || `/orlop/${id}`;
}

function directoriesOf(rootfs: RootFilesystem): readonly string[] {
  if (rootfs.kind === "directory") return [rootfs.path];
  if (rootfs.kind === "disk") return [rootfs.source];
  return rootfs.kind === "overlay" ? rootfs.lower.map(layerPath) : [];
}

function absoluteMount(mount: Mount, bundle: string, field: string): Mount {
  const { source } = mount;
  const isBind =
    mount.type === "bind" || (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
  if (source === undefined || !isBind) return mount;
  const path = absolute(source, bundle);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return { ...mount, source: path };
  if (stat !== undefined) return { ...mount, source: path, options: (mount.options ?? []).map(withoutRecursion) };
  throw new OrlopError(
    "not-found",
    `Cannot bind "${path}" to "${mount.destination}": no such file or directory (${field})`,
    { field },
  );
}

/**
 * Attributes of a mount and all that are mounted below it: `rro`, `rnosuid`. Nothing is mounted below a file, so that they
 * mean no more than the plain ones there; crun 1.8 looks for a directory nevertheless.
 */
const RECURSIVE = /^r(ro|rw|(no)?(suid|dev|exec|atime|diratime|relatime|strictatime|symfollow))$/;

function withoutRecursion(option: string): string {
  return RECURSIVE.test(option) ? option.slice(1) : option;
}

function absolute(path: string, bundle: string): string {
  return isAbsolute(path) ? path : join(bundle, path);
}
