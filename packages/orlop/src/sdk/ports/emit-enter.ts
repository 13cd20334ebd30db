import type { ProgramBuilder } from "@orlop/kernel";

export interface NamespaceFile {
  readonly path: string;
  readonly flag: "CLONE_NEWUSER" | "CLONE_NEWNET";
}

/** Enters namespaces. All are opened first: within a user namespace of its own it has no access to processes outside. */
export function emitEnter(p: ProgramBuilder, namespaces: readonly NamespaceFile[]): void {
  const flags = p.flags("O_RDONLY|O_CLOEXEC");
  p.step({ action: "enter the namespaces of the sandbox" });
  for (const { path, flag } of namespaces) {
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), flags, 0], { into: p.slot(flag) });
  }
  for (const { flag } of namespaces) {
    p.call("setns", [p.slot(flag), p.flags(flag)]);
    p.call("close", [p.slot(flag)]);
  }
}
