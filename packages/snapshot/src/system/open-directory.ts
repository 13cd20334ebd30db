import type { ProgramBuilder, Slot } from "@orlop/kernel";

/** Opens a directory into a slot of this name. */
export function openDirectory(p: ProgramBuilder, path: string, name: string): Slot {
  const into = p.slot(name);
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC"), 0], { into });
  return into;
}
