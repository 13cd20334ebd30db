import type { CreateRequest, RootFilesystem } from "@orlop/core";
import { emitAttach, emitDirectoryInRoot, emitFileInRoot, type Slot } from "@orlop/kernel";
import type { Compilation } from "../process/compilation.ts";
import { absoluteSource } from "../process/mount-sources.ts";
import { emitReadOnlyEntries, emitRoot } from "../process/root-filesystem.ts";
import type { Supervision } from "../process/supervision.ts";

interface HostedRoot {
  readonly request: CreateRequest;
  readonly rootfs: RootFilesystem;
  /** An empty directory. */
  readonly path: string;
}

/** Puts the root file system of another runtime's container together, at a directory of the reaper's mount namespace. */
export function emitHostedRoot(s: Supervision, { request, rootfs, path }: HostedRoot): void {
  const { p } = s;
  const c: Compilation = {
    ...s,
    plan: {
      request,
      rootfs,
      stateDirectory: s.stateDirectory,
      style: { startOnCommand: true },
      cgroup: undefined,
      seccomp: undefined,
      host: s.host,
    },
    namespaces: new Map(),
    userNamespace: false,
    withinUserNamespace: s.host.rootless,
    privileged: true,
    root: p.slot("root"),
    proc: p.slot("proc"),
  };
  emitRoot(c, (mount) => emitAttachAt(s, mount, path));
  if (request.spec.root.readonly === true && rootfs.kind === "tree") {
    // The other runtime makes only the uppermost mount read-only, and could make no mount point in the rest then.
    emitMountPoints(c);
    p.step({ action: "make the tree read-only", field: "root.readonly" });
    emitReadOnlyEntries(c);
  }
  p.call("close", [c.root]);
}

function emitAttachAt({ p }: Supervision, mount: Slot, path: string): void {
  const place = p.slot("place");
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), flags, 0], { into: place });
  emitAttach(p, mount, place);
  p.call("close", [place]);
}

function emitMountPoints(c: Compilation): void {
  const { p, host } = c;
  const target = p.slot("target");
  for (const [index, mount] of (c.plan.request.spec.mounts ?? []).entries()) {
    const source = mount.source === undefined ? undefined : absoluteSource(c, mount.source);
    const isBind = (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
    const isFile = isBind && source !== undefined && host.fileKind(source) !== "directory";
    p.step({ action: `make mount point "${mount.destination}"`, field: `mounts[${index}].destination` });
    if (isFile) emitFileInRoot(p, c.root, mount.destination, target);
    else emitDirectoryInRoot(p, c.root, mount.destination, target);
    p.call("close", [target]);
  }
}
