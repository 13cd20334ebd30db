import { emitExpectFileSystem, OPEN_HOW, openHow, type ProgramBuilder, type Slot } from "@orlop/kernel";

/**
 * `into` = a handle on a procfs of our own that is attached nowhere, so that nobody can put anything over its files
 * (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881). Where the kernel gives us none (a user namespace that sees only a
 * masked /proc), the one at /proc, proven to be a procfs.
 */
export function emitProcHandle(p: ProgramBuilder, into: Slot): void {
  const shared = p.label("shared procfs");
  const done = p.label("procfs is open");
  const context = p.slot("fs_context");
  p.step({ action: "open a private procfs", why: "CVE-2025-52881: what is written to /proc must reach /proc" });
  p.call("fsopen", [p.text("proc"), p.flags("FSOPEN_CLOEXEC")], { into: context });
  p.call("fsconfig", [context, p.flags("FSCONFIG_CMD_CREATE"), 0, 0, 0], { on: ["EPERM"], goto: shared });
  p.call("fsmount", [context, p.flags("FSMOUNT_CLOEXEC"), 0], { into, on: ["EPERM"], goto: shared });
  p.jump(done);
  p.mark(shared);
  const flags = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc"), flags, 0], { into });
  emitExpectFileSystem(p, into, "PROC_SUPER_MAGIC");
  p.mark(done);
  p.call("close", [context]);
}

/** Writes `value` to a file of procfs; nothing that is mounted over it is followed, no link of a magic kind. */
export function emitWriteProc(p: ProgramBuilder, proc: Slot, path: string, value: string): void {
  const file = p.slot("file");
  const how = openHow(p, "O_WRONLY|O_CLOEXEC", "RESOLVE_BENEATH|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_XDEV");
  p.call("openat2", [proc, p.text(path), how, OPEN_HOW.size], { into: file });
  const bytes = Buffer.from(value);
  p.call("write", [file, p.bytes(bytes, JSON.stringify(value)), bytes.length]);
  p.call("close", [file]);
}
