// Runs JavaScript that somebody else has written, an agent for example: no network, no files but those of this machine,
// which it cannot change, and limits for time, memory and processes.
//
//   sh tools/node -C source examples/code-runner.ts 'console.log(6 * 7)'

import { OrlopError, Sandbox, type SandboxOptions } from "orlop";

const code = process.argv[2] ?? "console.log(6 * 7)";

const limits: Partial<SandboxOptions> = { memory: "512MiB", pids: 128 };
await using box = await createLimited();
const { stdout, stderr, exitCode, timedOut, oomKilled } = await box.run([process.execPath, "-"], {
  input: code,
  workdir: "/tmp",
  timeoutMs: 20_000,
  outputMaxBytes: 100_000,
});
process.stdout.write(stdout);
process.stderr.write(stderr);
if (timedOut) console.error("it took too long");
if (oomKilled) console.error("it took too much memory");
process.exitCode = exitCode;

/** An ordinary user may set limits only where the machine has handed its cgroups on. */
async function createLimited(): Promise<Sandbox> {
  try {
    return await Sandbox.create({ image: "host", ...limits });
  } catch (error) {
    if (process.getuid?.() === 0 || !(error instanceof OrlopError)) throw error;
    console.error(`without limits for memory and processes: ${error.message}`);
    return await Sandbox.create({ image: "host" });
  }
}
