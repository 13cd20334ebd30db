import type { StdioTarget } from "@orlop/core";
import type { Slot } from "@orlop/kernel";
import type { Supervision } from "./supervision.ts";

const NAMES = ["stdin", "stdout", "stderr"] as const;

/** Opens, in the reaper, what init will have as descriptors 0, 1 and 2. The reaper keeps them: see StdioTarget. */
export function emitOpenStdio(s: Supervision): void {
  const { stdio } = s;
  for (const [index, name] of NAMES.entries()) emitOpen(s, index, stdio[name], s.slots.stdio[index] as Slot);
}

function emitOpen(s: Supervision, index: number, target: StdioTarget, into: Slot): void {
  const { p } = s;
  const name = NAMES[index] ?? "";
  if (target === "inherit") return;
  const cwd = p.flags("AT_FDCWD");
  if (target === "null") {
    p.step({ action: `open "/dev/null" as ${name}` });
    p.call(
      "openat",
      [cwd, p.text("/dev/null"), p.flags(index === 0 ? "O_RDONLY|O_CLOEXEC" : "O_WRONLY|O_CLOEXEC"), 0],
      { into },
    );
  } else if ("fd" in target) {
    emitTakeDescriptor(s, target.fd, name, into);
  } else {
    p.step({ action: `open "${target.path}" as ${name}` });
    // Opened for both, a FIFO neither waits for its other end nor ends with it.
    const both = s.host.fileKind(target.path) === "fifo";
    const access = both ? "O_RDWR" : index === 0 ? "O_RDONLY" : "O_WRONLY";
    const flags = p.flags(`${access}${index === 0 ? "" : "|O_APPEND|O_CREAT"}|O_CLOEXEC|O_NOCTTY`);
    p.call("openat", [cwd, p.text(target.path), flags, 0o600], { into });
  }
}

/** A copy of a descriptor of the process that asked, without its help; where ptrace scopes forbid it, by its name. */
function emitTakeDescriptor(s: Supervision, fd: number, name: string, into: Slot): void {
  const { p } = s;
  const parent = p.slot("parent_pidfd");
  const byName = p.label("by name");
  const done = p.label("taken");
  p.step({ action: `take descriptor ${fd} as ${name}` });
  p.call("pidfd_open", [s.host.pid, 0], { into: parent });
  p.call("pidfd_getfd", [parent, fd, 0], { into, on: ["EPERM"], goto: byName });
  p.jump(done);
  p.mark(byName);
  const path = p.text(`/proc/${s.host.pid}/fd/${fd}`);
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDWR|O_CLOEXEC|O_NOCTTY"), 0], { into });
  p.mark(done);
  p.call("close", [parent]);
}

/** Puts them in place, in init, as late as possible. */
export function emitInstallStdio(s: Supervision): void {
  const { p } = s;
  p.step({ action: "put stdin, stdout and stderr in place" });
  for (const [index, name] of NAMES.entries()) {
    if (s.stdio[name] !== "inherit") p.call("dup3", [s.slots.stdio[index] as Slot, index, 0]);
  }
}
