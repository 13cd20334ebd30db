import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { printText } from "../print.ts";
import { readMachineView } from "../run/machine-view.ts";
import { runContainer } from "../run/run-container.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { readRunOptions } from "../run/run-options.ts";
import { wantsColor } from "../wants-color.ts";
import { cgroupChecks } from "./cgroup-checks.ts";
import { type DoctorHost, thisHost } from "./doctor-host.ts";
import { type Finding, failure, ok } from "./finding.ts";
import { findingsText, type Section } from "./findings-text.ts";
import { machineChecks } from "./machine-checks.ts";
import { networkChecks } from "./network-checks.ts";
import { programChecks } from "./program-checks.ts";
import { userNamespaceChecks } from "./user-namespace-checks.ts";

const WIDTH_MAX = 120;

export const doctorCommand: Command = {
  name: "doctor",
  usage: "[OPTIONS]",
  description:
    "Tells what this machine lacks for containers, why that matters, and the command that changes it. Runs a container " +
    "to see. The exit code is 0 when that worked.\n\n" +
    "In a checkout of orlop it also tells what its tests and benchmarks lack.",
  examples: [],
  table: { flags: [{ name: "format", value: "text|json", help: "How to print it (text)" }] },
  failureExitCode: 1,
  async run(flags) {
    const format = flags.text("format") ?? "text";
    if (format !== "text" && format !== "json") {
      throw new OrlopError("invalid", `Cannot use format "${format}": there are text and json`);
    }
    const trial = await tryContainer();
    const canRun = trial.severity === "ok";
    const sections = examine(await thisHost(), trial);
    if (format === "json") printText(`${JSON.stringify({ canRun, sections }, undefined, 2)}\n`);
    else {
      const width = Math.min(caller().stdout.columns ?? WIDTH_MAX, WIDTH_MAX);
      printText(findingsText(sections, { color: wantsColor(), width }));
    }
    return canRun ? 0 : 1;
  },
};

function examine(host: DoctorHost, trial: Finding): readonly Section[] {
  const checks = [...machineChecks(host), ...userNamespaceChecks(host), ...networkChecks(host), ...cgroupChecks(host)];
  // What a container runs without cannot be what keeps it from running.
  const judged = trial.severity === "ok" ? checks.map(asWarning) : checks;
  const isCheckout = import.meta.filename.endsWith(".ts");
  return [
    { title: "Containers on this machine", findings: [...judged, trial] },
    ...(isCheckout ? [{ title: "Tests and benchmarks of this checkout", findings: programChecks(host) }] : []),
  ];
}

function asWarning(finding: Finding): Finding {
  return finding.severity === "failure" ? { ...finding, severity: "warning" } : finding;
}

/** Runs `true` in a container of this machine's own files: the only check that leaves nothing out. */
async function tryContainer(): Promise<Finding> {
  const name = "a container";
  const why = "nothing else will work before this does";
  try {
    const machine = readMachineView();
    const exitCode = await runContainer(readRunOptions(parseFlags(RUN_FLAGS, ["host", "true"]), machine), machine);
    return exitCode === 0 ? ok(name, "runs") : failure(name, `ended with exit code ${exitCode}`, why);
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    return failure(name, error.message, why);
  }
}
