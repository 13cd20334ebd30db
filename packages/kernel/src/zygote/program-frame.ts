import type { EncodeOptions, Program } from "../program/program.ts";
import { encodeVerified, filledFrom, type LentFrame } from "../program/program-template.ts";
import { FrameMemory } from "./frame-memory.ts";

type FrameOptions = Pick<EncodeOptions, "request" | "inPlace"> & { readonly token: Uint8Array };

/** A program as it is sent, verified. The memory is the next one's when it has been released. @throws OrlopError */
export function programFrame(program: Program, options: FrameOptions): LentFrame {
  const known = filledFrom(program);
  const lent = known?.template.lend(known.values, options);
  if (lent !== undefined) return lent;
  const memory = new FrameMemory();
  const frame = encodeVerified(program, { ...options, memory: (length) => memory.take(length) });
  return { frame, release: () => memory.release() };
}
