import { OrlopError } from "@orlop/core";

/** Runs one command line (without the program's name) in this process and resolves with its exit code. */
export async function commandLine(args: readonly string[]): Promise<number> {
  const { runContainer } = await import("./run/run-container.ts");
  try {
    return await runContainer(args.slice(1));
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    process.stderr.write(`orlop: ${error.message}\n`);
    return 125;
  }
}
