import { OrlopError } from "@orlop/core";
import {
  type CgroupOperation,
  type CgroupPlan,
  IOVEC,
  type Label,
  MSGHDR,
  type Pointer,
  type ProgramBuilder,
  type Slot,
  TIMESPEC,
} from "@orlop/kernel";
import { emitAttachDeviceFilter } from "./device-filter.ts";
import type { Supervision } from "./supervision.ts";

type OperationOf<Kind extends CgroupOperation["kind"]> = Extract<CgroupOperation, { kind: Kind }>;

/** Most errno values that an instruction can list; operations that tolerate more take their way out on any. */
const LISTED_MAX = 4;

/**
 * In the reaper: makes the cgroups of one version and sets the limits while they are empty. Those of version 2 have to be
 * there before the clone, which goes right into one; the ten or so of version 1 are made while init builds its file
 * system, on another processor.
 */
export function emitMakeCgroups(p: ProgramBuilder, plan: CgroupPlan, version: 1 | 2): void {
  const unified = plan.directories.find((directory) => directory.version === 2)?.path;
  const isUnified = ({ directory }: CgroupOperation): boolean =>
    unified !== undefined && (isBelow(unified, directory) || isBelow(directory, unified));
  const own = plan.operations.filter((operation) => isUnified(operation) === (version === 2));
  let last: OperationOf<"write"> | undefined;
  for (const [index, operation] of own.entries()) {
    p.step({ action: describe(operation), field: operation.field, why: operation.reason });
    if (isPlainWrite(operation)) {
      // A file that takes several values, one at a time, is opened once: devices.allow does.
      if (last === undefined) emitOpenForWriting(p, operation);
      const bytes = Buffer.from(operation.value);
      p.call("write", [p.slot("file"), p.bytes(bytes, JSON.stringify(operation.value)), bytes.length]);
      const next = own[index + 1];
      last = next !== undefined && isPlainWrite(next) && isOfSameFile(next, operation) ? operation : undefined;
      if (last === undefined) p.call("close", [p.slot("file")]);
    } else emitOperation(p, operation);
  }
}

/** One that fails where it fails. */
function isPlainWrite(operation: CgroupOperation): operation is OperationOf<"write"> {
  return operation.kind === "write" && operation.fallback === undefined && operation.tolerate.length === 0;
}

function isOfSameFile(a: OperationOf<"write">, b: OperationOf<"write">): boolean {
  return a.directory === b.directory && a.file === b.file;
}

function emitOpenForWriting(p: ProgramBuilder, { directory, file }: OperationOf<"write">): void {
  const path = p.text(filePath(directory, file));
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: p.slot("file") });
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function emitOperation(p: ProgramBuilder, operation: CgroupOperation): void {
  switch (operation.kind) {
    case "mkdir":
      p.call("mkdirat", [p.flags("AT_FDCWD"), p.text(operation.directory), 0o755], {
        ignore: operation.tolerate.map(({ errno }) => errno),
      });
      break;
    case "write":
      emitWrite(p, operation);
      break;
    case "inherit":
      emitInherit(p, operation);
      break;
    case "chown": {
      const path = p.text(filePath(operation.directory, operation.file));
      const keepGroup = p.number(0xffff_ffff, "-1");
      p.call("fchownat", [p.flags("AT_FDCWD"), path, operation.uid, keepGroup, 0], {
        ignore: operation.tolerate.map(({ errno }) => errno),
      });
      break;
    }
    case "attach-device-filter":
      emitAttachDeviceFilter(p, operation);
      break;
    case "check-memory":
      throw new OrlopError("internal", "Cannot compile cgroup operation: a new cgroup uses no memory");
  }
}

function describe(operation: CgroupOperation): string {
  switch (operation.kind) {
    case "mkdir":
      return `make ${operation.field === "linux.intelRdt" ? "group" : "cgroup"} "${operation.directory}"`;
    case "write":
      return `write "${operation.value}" to "${operation.directory}/${operation.file}"`;
    case "inherit":
      return `fill in "${operation.directory}/${operation.file}"`;
    case "chown":
      return `give "${filePath(operation.directory, operation.file)}" to user ${operation.uid}`;
    case "attach-device-filter":
      return `attach the device filter to "${operation.directory}"`;
    case "check-memory":
      return `check memory use of "${operation.directory}"`;
  }
}

function filePath(directory: string, file: string | undefined): string {
  return file === undefined ? directory : `${directory}/${file}`;
}

function emitWrite(p: ProgramBuilder, operation: OperationOf<"write">): void {
  const { fallback } = operation;
  const tolerated = operation.tolerate.map(({ errno }) => errno);
  const when = fallback?.when ?? tolerated;
  const file = p.slot("file");
  const otherwise = p.label(fallback === undefined ? "tolerated" : "fallback");
  const close = p.label("close");
  const done = p.label("written");
  const wayOut = (to: Label): { on?: readonly string[] | "any"; goto?: Label } =>
    when.length === 0 ? {} : { on: when.length > LISTED_MAX ? "any" : when, goto: to };
  const path = p.text(filePath(operation.directory, operation.file));
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: file, ...wayOut(otherwise) });
  const bytes = Buffer.from(operation.value);
  p.call("write", [file, p.bytes(bytes, JSON.stringify(operation.value)), bytes.length], wayOut(close));
  p.call("close", [file]);
  p.jump(done);
  p.mark(close);
  p.call("close", [file]);
  p.mark(otherwise);
  for (const other of fallback?.operations ?? []) emitWrite(p, other);
  p.mark(done);
}

const INHERITED_MAX_BYTES = 4096;

function emitInherit(p: ProgramBuilder, operation: OperationOf<"inherit">): void {
  const file = p.slot("file");
  const length = p.slot("length");
  const done = p.label("has its own");
  const content = p.scratch(INHERITED_MAX_BYTES, "<content>");
  const read = (directory: string): void => {
    const path = p.text(filePath(directory, operation.file));
    p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: file });
    p.call("read", [file, content, INHERITED_MAX_BYTES], { into: length });
    p.call("close", [file]);
  };
  read(operation.directory);
  p.branch(length, "ge", 2, done);
  read(operation.from);
  const own = p.text(filePath(operation.directory, operation.file));
  p.call("openat", [p.flags("AT_FDCWD"), own, p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: file });
  p.call("write", [file, content, length]);
  p.call("close", [file]);
  p.mark(done);
}

const CGROUP_FIELD = "linux.cgroupsPath";

function doorSlot(p: ProgramBuilder, index: number): Slot {
  return p.slot(`cgroup_procs_${index}`);
}

/** Where the kernel counts its kills; the reader knows both formats. */
const OOM_FILES = { 1: "memory.oom_control", 2: "memory.events" } as const;

/** In the reaper, before the cgroups go: keeps a copy of what the memory controller counted, as the file `memory`. */
export function emitKeepMemoryEvents(p: ProgramBuilder, plan: CgroupPlan, state: Slot): void {
  const directory = plan.directories.find(({ controllers }) => controllers.includes("memory"));
  if (directory === undefined) return;
  const file = p.slot("file");
  const length = p.slot("length");
  const done = p.label("kept");
  const content = p.scratch(INHERITED_MAX_BYTES, "<content>");
  const path = p.text(`${directory.path}/${OOM_FILES[directory.version]}`);
  p.step({
    action: `keep "${directory.path}/${OOM_FILES[directory.version]}"`,
    why: "tells later whether memory ran out",
  });
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], {
    into: file,
    on: "any",
    goto: done,
  });
  p.call("read", [file, content, INHERITED_MAX_BYTES], { into: length, on: "any", goto: done });
  p.call("close", [file]);
  const create = p.flags("O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [state, p.text("memory"), create, 0o600], { into: file, on: "any", goto: done });
  p.call("write", [file, content, length], { ignore: "any" });
  p.mark(done);
}

/** In the parent: opens what a process writes to in order to enter, because the child may not be allowed to. */
export function emitOpenCgroupDoors(p: ProgramBuilder, plan: Pick<CgroupPlan, "join">): void {
  for (const [index, { directory, file, reason, field = CGROUP_FIELD }] of plan.join.entries()) {
    p.step({ action: `open "${directory}/${file}"`, field, why: reason });
    const path = p.text(`${directory}/${file}`);
    p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_WRONLY|O_CLOEXEC"), 0], { into: doorSlot(p, index) });
  }
}

/** Opens the cgroup that a process is cloned into. */
export function emitOpenCloneCgroup(p: ProgramBuilder, plan: Pick<CgroupPlan, "cloneInto">): void {
  if (plan.cloneInto === undefined) return;
  p.step({
    action: `open cgroup "${plan.cloneInto}"`,
    field: "linux.cgroupsPath",
    why: "a process is cloned right into it",
  });
  const flags = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(plan.cloneInto), flags, 0], { into: p.slot("cgroup") });
}

/** A message that carries the doors, all at once, and where in it their numbers stand. */
function doorsMessage(p: ProgramBuilder, count: number): { msg: Pointer; fds: Pointer } {
  const length = CMSG_HEADER_BYTES + 4 * count;
  const control = Buffer.alloc(Math.ceil(length / 8) * 8);
  control.writeBigUInt64LE(BigInt(length), 0);
  control.writeUInt32LE(SOL_SOCKET, 8);
  control.writeUInt32LE(SCM_RIGHTS, 12);
  const at = p.bytes(control, `{SCM_RIGHTS, ${count} descriptors}`);
  const iov = p.struct(IOVEC, { iov_base: p.buffer(8, "<byte>"), iov_len: 1 });
  const msg = p.struct(MSGHDR, { msg_iov: iov, msg_iovlen: 1, msg_control: at, msg_controllen: control.length });
  return { msg, fds: at.at(CMSG_HEADER_BYTES) };
}

/** In the reaper: opens the doors and hands them to init. */
export function emitHandOverCgroupDoors(s: Supervision, plan: CgroupPlan): void {
  const { p, slots } = s;
  if (plan.join.length === 0) return;
  emitOpenCgroupDoors(p, plan);
  const { msg, fds } = doorsMessage(p, plan.join.length);
  p.step({ action: "hand init its ways into the cgroups" });
  for (const index of plan.join.keys()) p.store(fds.at(4 * index), 4, doorSlot(p, index));
  p.call("sendmsg", [slots.syncReaper, msg, p.flags("MSG_NOSIGNAL")]);
  for (const index of plan.join.keys()) p.call("close", [doorSlot(p, index)]);
}

/** In init: waits for the doors. An end of the socket means that the reaper has failed, and has said so. */
export function emitTakeCgroupDoors(s: Supervision, plan: CgroupPlan): void {
  const { p, slots } = s;
  if (plan.join.length === 0) return;
  const { msg, fds } = doorsMessage(p, plan.join.length);
  const got = p.slot("got");
  const received = p.label("doors received");
  p.step({ action: "wait for the ways into the cgroups" });
  p.call("recvmsg", [slots.syncChild, msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got });
  p.branch(got, "ne", 0, received);
  p.call("exit_group", [1]);
  p.mark(received);
  for (const index of plan.join.keys()) p.load(doorSlot(p, index), fds.at(4 * index), 4);
}

/** In the child: enters every cgroup it was not cloned into. */
export function emitEnterCgroups(p: ProgramBuilder, plan: Pick<CgroupPlan, "join">): void {
  for (const [index, { directory, field = CGROUP_FIELD }] of plan.join.entries()) {
    p.step({ action: `enter ${field === CGROUP_FIELD ? "cgroup" : "group"} "${directory}"`, field });
    p.call("write", [doorSlot(p, index), p.text("0"), 1]);
    p.call("close", [doorSlot(p, index)]);
  }
}

/** struct cmsghdr before its data, and what it says of descriptors: include/linux/socket.h. */
const CMSG_HEADER_BYTES = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** How often, and with which pause, a cgroup that is still busy is tried again: together a second. */
const REMOVE_TRIES_MAX = 500;
const REMOVE_PAUSE_NANOSECONDS = 2_000_000;

/** In the slot that tells of it: all cgroups were removed, and not only tried. */
export const CGROUPS_REMOVED = 1;

/**
 * In the reaper, at the end: removes the cgroups, and leaves in `all` whether that was done. A process that has ended stays
 * counted for a moment.
 */
export function emitRemoveCgroups(p: ProgramBuilder, plan: CgroupPlan, all: Slot): void {
  const tries = p.slot("tries");
  const result = p.slot("removed");
  const again = p.label("remove what is left");
  const busy = p.label("busy");
  const done = p.label("removed all");
  const pause = p.struct(TIMESPEC, { tv_nsec: REMOVE_PAUSE_NANOSECONDS });
  p.step({ action: "remove the cgroups", field: "linux.cgroupsPath" });
  p.set(tries, 0);
  p.mark(again);
  p.set(all, CGROUPS_REMOVED);
  for (const path of plan.remove) {
    const gone = p.label("it is gone");
    p.call("unlinkat", [p.flags("AT_FDCWD"), p.text(path), p.flags("AT_REMOVEDIR")], { into: result, ignore: "any" });
    p.branch(result, "eq", 0, gone);
    p.branch(result, "eq", p.number(-16, "-EBUSY"), busy);
    p.branch(result, "eq", p.number(-2, "-ENOENT"), gone);
    p.set(all, 0);
    p.mark(gone);
  }
  p.jump(done);
  p.mark(busy);
  p.set(all, 0);
  p.branch(tries, "ge", REMOVE_TRIES_MAX, done);
  p.add(tries, tries, 1);
  p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, pause, 0], { ignore: "any" });
  p.jump(again);
  p.mark(done);
}
