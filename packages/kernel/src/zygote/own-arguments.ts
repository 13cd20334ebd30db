import type { ProgramBuilder } from "../program/builder.ts";
import { emitMakeCopyPipe } from "./zygote-program.ts";

const WORD_BYTES = 8;

/** As much of the command line as is read for the path of an executable. */
const WORDS_MAX_BYTES = 2 * 4096;

/**
 * Leaves this process's argv and envp in slots `argv` and `envp`. What lies between them is copied through a pipe, which
 * stays open: a program reads no memory but its own.
 */
export function emitFindArguments(p: ProgramBuilder): void {
  const count = p.slot("argc");
  const word = p.buffer(WORD_BYTES, "&argc");
  p.step({ action: "find the arguments" });
  p.add(p.slot("argv"), p.stack, WORD_BYTES);
  emitMakeCopyPipe(p);
  p.call("write", [p.slot("copy_in"), p.stack, WORD_BYTES]);
  p.call("read", [p.slot("copy_out"), word, WORD_BYTES]);
  p.load(count, word, WORD_BYTES);
  p.add(count, count, 1);
  for (const _ of [2, 4, WORD_BYTES]) p.add(count, count, count);
  p.add(p.slot("envp"), p.slot("argv"), count);
}

/** Which of this process's arguments are executed, for {@link emitExecuteArguments}. Needs {@link emitFindArguments}. */
export function emitChooseArguments(p: ProgramBuilder, index: number): void {
  p.set(p.slot("index"), index);
  p.add(p.slot("args"), p.slot("argv"), WORD_BYTES * index);
}

/** Executes what the chosen argument names, with itself and everything behind it as arguments. */
export function emitExecuteArguments(p: ProgramBuilder, why: string): void {
  const index = p.slot("index");
  const args = p.slot("args");
  const words = p.buffer(WORDS_MAX_BYTES, "<words>");
  // Behind what is read there is no word.
  const path = p.buffer(WORDS_MAX_BYTES + 1, "<path>");
  const file = p.slot("file");
  const at = p.slot("at");
  const length = p.slot("length");
  const byte = p.slot("byte");
  const next = p.label("next byte");
  const word = p.label("next word");
  const found = p.label("the word");
  p.step({ action: "execute Node, which the arguments name", why });
  const flags = p.flags("O_RDONLY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self/cmdline"), flags, 0], { into: file });
  p.call("read", [file, words, WORDS_MAX_BYTES]);
  p.set(at, 0);
  p.mark(word);
  p.set(length, 0);
  p.mark(next);
  p.load(byte, words, 1, at);
  p.store(path, 1, byte, length);
  p.add(at, at, 1);
  p.add(length, length, 1);
  p.branch(byte, "ne", 0, next);
  p.branch(index, "eq", 0, found);
  p.add(index, index, p.number(-1));
  p.jump(word);
  p.mark(found);
  p.call("execve", [path, args, p.slot("envp")]);
}
