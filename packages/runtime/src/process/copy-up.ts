import { emitAttach, emitCloneMount, emitNewFileSystem, octal } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";
import { emitOpenCoveredDirectory } from "./covered-directory.ts";
import type { PlannedMount } from "./mount-sources.ts";
import { emitAttachOverRoot } from "./scratch-memory.ts";

const DEFAULT_MODE = 0o755;

/**
 * `tmpcopyup`: memory over a directory that starts with the directory's content. An overlay does that without copying:
 * reads come from the directory, writes go to the tmpfs. It is put together on scratch memory, which is then taken out
 * of the mount tree; the overlay keeps what it needs.
 */
export function emitCopyUp(c: Compilation, planned: PlannedMount): void {
  const { mount, field, options } = planned;
  const { p } = c;
  const memory = p.slot("scratch");
  const lower = p.slot("lower");
  const place = p.slot("place_of_lower");
  const target = p.slot("target");
  const fd = p.slot("mount");
  const mode = p.slot("mode");
  const givenMode = options.data.find(([key]) => key === "mode")?.[1];
  p.step({ action: `mount tmpfs over a copy of "${mount.destination}"`, field });
  const owner = { uid: p.slot("uid"), gid: p.slot("gid") };
  emitOpenCoveredDirectory(c, planned, target, mode, owner);
  if (givenMode !== undefined) p.set(mode, octal(p, Number.parseInt(givenMode, 8)));
  emitNewFileSystem(
    p,
    {
      type: "tmpfs",
      source: mount.source ?? "tmpfs",
      options: { ...options, attributes: { set: [], clear: [] }, superblockFlags: [] },
    },
    memory,
  );
  emitAttachOverRoot(c, memory);
  p.call("fchdir", [memory]);
  const cwd = p.flags("AT_FDCWD");
  for (const name of ["lower", "work", "upper"]) p.call("mkdirat", [cwd, p.text(name), octal(p, DEFAULT_MODE)]);
  // An owner that the user namespace does not have owns nothing in it.
  p.call("fchownat", [cwd, p.text("upper"), owner.uid, owner.gid, 0], { ignore: ["EINVAL", "EPERM"] });
  p.call("fchmodat", [cwd, p.text("upper"), mode]);
  emitCloneMount(p, target, "", false, lower);
  p.call("openat", [cwd, p.text("lower"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: place });
  emitAttach(p, lower, place);
  const data: [string, string | undefined][] = [
    ["lowerdir", "lower"],
    ["upperdir", "upper"],
    ["workdir", "work"],
  ];
  if (c.withinUserNamespace) data.push(["userxattr", undefined]);
  emitNewFileSystem(p, { type: "overlay", source: mount.source ?? "tmpfs", options: { ...options, data } }, fd);
  p.call("umount2", [p.text("."), p.flags("MNT_DETACH")]);
  emitAttach(p, fd, target);
  for (const descriptor of [place, lower, memory, target, fd]) p.call("close", [descriptor]);
}
