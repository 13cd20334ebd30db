import type { ProgramBuilder } from "../program/builder.ts";
import { emitMakeCopyPipe } from "./zygote-program.ts";

const WORD_BYTES = 8;

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
