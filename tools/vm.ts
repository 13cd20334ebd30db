/**
 * `npm run vm -- command...`: runs a shell command as root in the machine of `npm run test:v2` and ends with its exit
 * code. The checkout is there at /checkout, read-only; what the command writes is forgotten.
 */
import { machineImage } from "./vm/machine-image.ts";
import { runInMachine } from "./vm/run-in-machine.ts";
import { untilInterrupted } from "./vm/until-interrupted.ts";

/** Half an hour without a word is a hang. */
const silenceMaxMs = 1_800_000;

await untilInterrupted(async (signal) => {
  const root = process.cwd();
  const image = await machineImage(root);
  const command = process.argv.slice(2).join(" ");
  const print = console.log;
  const run = { image, root, command, onOutput: print, onResult: print, silenceMaxMs, signal };
  const { exitCode, consoleLog } = await runInMachine(run);
  if (exitCode === undefined) console.error("The machine ended without a word from the command, or hung and was ended");
  if (consoleLog !== undefined) console.error(`The machine's log: ${consoleLog}`);
  return exitCode ?? 1;
});
