/** The program `orlop`. Loads as little as it can before it knows what is asked for. */
import { join } from "node:path";

const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  // Started without the launcher, by a Node that is too old: the launcher finds another one, or says what is missing.
  const launcher = join(import.meta.dirname, "..", "bin", "orlop");
  process.execve?.(launcher, [launcher, ...process.argv.slice(2)], process.env);
  console.error(`orlop: Cannot run on Node.js ${process.versions.node}: version ${NODE_MAJOR_MIN} or newer is needed`);
  process.exit(125);
}

const { commandLine } = await import("./command-line.ts");
process.exitCode = await commandLine(process.argv.slice(2));
