import { emitReport, hostArchitecture, type Program, ProgramBuilder, reportBuffer, type Slot } from "@orlop/kernel";

/** include/uapi/linux/nsfs.h */
const NS_GET_USERNS = 0xb701;
const NS_GET_PARENT = 0xb702;

export interface HolderPlan {
  readonly uid: number;
  readonly gid: number;
  /**
   * Path of a network namespace whose user namespace is a child of the one that is to be held once more; absent: a new one is
   * made.
   */
  readonly relative?: string;
}

/**
 * Makes a network namespace, in a user namespace of which it has all capabilities, and is there until it is ended. Ids are
 * themselves in there, so that maps of what is below can be written as if it were not there.
 */
export function holderProgram({ uid, gid, relative }: HolderPlan): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const failed = p.label("failed");
  const asleep = p.label("asleep");
  const report = reportBuffer(p);
  const own = p.slot("own");
  p.role("holder");
  p.step({ action: "hold namespaces for an ordinary user's networks" });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-network"), 0, 0, 0]);
  p.call("setsid", [], { ignore: ["EPERM"] });
  if (relative === undefined) emitMake(p, uid, gid);
  else emitFindAgain(p, relative);
  p.call("getpid", [], { into: own });
  emitReport(p, report, "created", { value: own });
  p.step({ action: "let go of everything else" });
  p.call("close_range", [0, p.number(0xffff_ffff, "~0U"), 0]);
  p.mark(asleep);
  p.call("ppoll", [p.buffer(8, "[]"), 0, 0, 0, 8], { on: "any", goto: asleep });
  p.jump(asleep);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

function emitMake(p: ProgramBuilder, uid: number, gid: number): void {
  p.step({ action: "make a user and a network namespace" });
  p.call("unshare", [p.flags("CLONE_NEWUSER|CLONE_NEWNET")]);
  p.step({ action: "map the user's ids to themselves" });
  emitWriteFile(p, "/proc/self/setgroups", "deny");
  emitWriteFile(p, "/proc/self/uid_map", `${uid} ${uid} 1\n`);
  emitWriteFile(p, "/proc/self/gid_map", `${gid} ${gid} 1\n`);
}

/** The one before has ended, and what was made below its user namespace is still there. */
function emitFindAgain(p: ProgramBuilder, relative: string): void {
  const [net, child, parent] = [p.slot("net"), p.slot("child"), p.slot("parent")];
  p.step({ action: `find the parent of the user namespace that "${relative}" belongs to` });
  p.call("openat", [p.flags("AT_FDCWD"), p.text(relative), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: net });
  p.call("ioctl", [net, p.number(NS_GET_USERNS, "NS_GET_USERNS"), 0], { into: child });
  p.call("ioctl", [child, p.number(NS_GET_PARENT, "NS_GET_PARENT"), 0], { into: parent });
  p.step({ action: "enter it, and make a network namespace" });
  p.call("setns", [parent, p.flags("CLONE_NEWUSER")]);
  p.call("unshare", [p.flags("CLONE_NEWNET")]);
}

function emitWriteFile(p: ProgramBuilder, path: string, content: string): void {
  const file: Slot = p.slot("file");
  const bytes = Buffer.from(content);
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: file });
  p.call("write", [file, p.bytes(bytes, JSON.stringify(content)), bytes.length]);
  p.call("close", [file]);
}
