import { spawn } from "node:child_process";

interface CommandResult {
  /** 1 when a signal ended the program, 127 when it could not be started. */
  readonly exitCode: number;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

/** A command's output is kept in memory up to here; what comes after is counted and dropped. */
const outputMaxBytes = 8 << 20;

/** Runs a program without a terminal and without input. Never rejects: a program that is missing is exit code 127. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let size = 0;
    const keep = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= outputMaxBytes) chunks.push(chunk);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ exitCode: 127, output: `Cannot run "${file}": ${error.message}\n` }));
    child.on("close", (code) => {
      const dropped = size > outputMaxBytes ? `\n(${size - outputMaxBytes} bytes or more left out)\n` : "";
      resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString("utf8") + dropped });
    });
  });
}
