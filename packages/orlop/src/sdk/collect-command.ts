import { OrlopError } from "@orlop/core";
import type { CommandEnd, SandboxProcess } from "./sandbox-process.ts";

/** How a command has ended, and what it has put out, as UTF-8. */
export interface CollectedCommand extends CommandEnd {
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

/** Takes all that a program puts out. @throws OrlopError `exhausted`, and what its end is rejected with */
export async function collectCommand(
  program: SandboxProcess,
  maxBytes: number = OUTPUT_MAX_BYTES,
): Promise<CollectedCommand> {
  const chunks: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };
  const lengths = { 1: 0, 2: 0 };
  for await (const { fd, data } of program) {
    lengths[fd] += data.length;
    if (lengths[fd] > maxBytes) {
      const what = `it has written more than ${maxBytes} bytes to standard ${fd === 1 ? "output" : "error"}`;
      throw new OrlopError("exhausted", `Cannot collect output of command: ${what}\nTry spawn, or outputMaxBytes.`, {
        field: "outputMaxBytes",
      });
    }
    chunks[fd].push(data);
  }
  const text = (fd: 1 | 2): string => Buffer.concat(chunks[fd]).toString("utf8");
  return { ...(await program.ended), stdout: text(1), stderr: text(2) };
}
