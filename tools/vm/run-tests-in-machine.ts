import { readFileSync } from "node:fs";
import { addOutcomes, emptyOutcome, failedFile, type TestOutcome } from "../tests/test-outcome.ts";
import type { FileReport } from "./file-report.ts";
import type { MachineImage } from "./image-cache.ts";
import { emulationTimeFactor, runInMachine } from "./run-in-machine.ts";

interface MachineTests {
  readonly image: MachineImage;
  /** The checkout. */
  readonly root: string;
  /** Test files, from the checkout's root. */
  readonly files: readonly string[];
  /** Called as each file ends, and for the one that was running when the machine did. */
  readonly onReport: (report: FileReport) => void;
  readonly signal: AbortSignal;
}

/** Starting the machine, and then the longest that a file may run there. */
const silenceMaxMs = 300_000 + 600_000 * emulationTimeFactor;
/** Of what the machine said last, so much is shown when it ends too early. */
const shownLines = 30;

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function lastLines(lines: readonly string[]): string {
  return lines.slice(-shownLines).join("\n");
}

/**
 * Runs test files in a machine of their own, one after the other, as root (rootless ones as an ordinary user of that
 * machine). A machine that ends before its tests do is a failure of the file that was running.
 */
export async function runTestsInMachine({ image, root, files, onReport, signal }: MachineTests): Promise<TestOutcome> {
  let total = emptyOutcome;
  const waiting = new Set(files);
  const start = performance.now();
  const printed: string[] = [];
  const command = `
    export ORLOP_TEST_TIME_FACTOR=${emulationTimeFactor}
    exec sh tools/node -C source tools/vm/privileged-tests.ts ${files.map(quoted).join(" ")} >/dev/virtio-ports/results`;
  const { exitCode, consoleLog } = await runInMachine({
    image,
    root,
    command,
    onOutput: (line) => printed.push(line),
    onResult: (line) => {
      const report = JSON.parse(line) as FileReport;
      waiting.delete(report.file);
      total = addOutcomes(total, report.outcome);
      onReport(report);
    },
    silenceMaxMs,
    signal,
  });
  const [running] = waiting;
  if (running === undefined) return total;
  const end = exitCode === undefined ? "the machine ended, or hung and was ended" : `exit code ${exitCode}`;
  const log = consoleLog === undefined ? [] : readFileSync(consoleLog, "utf8").split("\n");
  const reason = `did not end: ${end}; ${waiting.size} files in all have not run; the machine's log: ${consoleLog}`;
  const outcome = failedFile(running, reason, lastLines([...log, ...printed]));
  onReport({ file: running, seconds: (performance.now() - start) / 1000, outcome });
  return addOutcomes(total, outcome);
}
