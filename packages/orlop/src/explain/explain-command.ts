import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, decodeRuntimeSpec, generateId, OrlopError } from "@orlop/core";
import { explainJson, explainProgram, type Program, randomBytes, systemFailure } from "@orlop/kernel";
import { compileCreate, ProcessRuntime } from "@orlop/runtime";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printText } from "../print.ts";
import { type MachineView, readMachineView } from "../run/machine-view.ts";
import { prepareContainer } from "../run/prepare-container.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { readRunOptions } from "../run/run-options.ts";
import { runtimeName } from "../run/runtime-choice.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { wantsColor } from "../wants-color.ts";

export const explainCommand: Command = {
  name: "explain",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]\n        orlop explain [OPTIONS] --bundle DIR",
  description:
    "Shows the system calls that would make a container, in the order in which they would be made and with the reason " +
    "for each, as strace would show them afterwards. Nothing is executed.\n\n" +
    "Takes every option of run, or an OCI bundle.",
  examples: [
    ["orlop explain host -- true", "what run host -- true does"],
    ["orlop explain --read-only -m 512m host | less", "with more limits"],
    ["orlop explain --json --bundle ./bundle", "for a program to read"],
  ],
  table: {
    flags: [
      { name: "bundle", value: "DIR", help: "Explain the OCI bundle in this directory" },
      { name: "verbose", help: "Show every instruction of the machine, not only its system calls" },
      { name: "json", help: "Print the program as JSON" },
      ...RUN_FLAGS.flags,
    ],
    ...(RUN_FLAGS.refused === undefined ? {} : { refused: RUN_FLAGS.refused }),
  },
  failureExitCode: 1,
  async run(flags) {
    const machine = readMachineView();
    const bundle = flags.text("bundle");
    const program = bundle === undefined ? await explainRun(flags, machine) : explainBundle(flags, bundle, machine);
    printText(
      flags.isOn("json") ? `${JSON.stringify(explainJson(program), undefined, 2)}\n` : explanation(flags, program),
    );
    return 0;
  },
};

function explanation(flags: ParsedFlags, program: Program): string {
  const { isTTY, columns } = caller().stdout;
  return explainProgram(program, {
    verbose: flags.isOn("verbose"),
    color: wantsColor(),
    ...(isTTY && columns !== undefined ? { width: columns } : {}),
  });
}

async function explainRun(flags: ParsedFlags, machine: MachineView): Promise<Program> {
  const options = readRunOptions(flags, machine);
  if (options.runtime.kind !== "process") {
    const name = runtimeName(options.runtime);
    throw new OrlopError(
      "unsupported",
      `Cannot explain runtime "${name}": only the process runtime's calls are known`,
      {
        field: "runtime",
      },
    );
  }
  await using prepared = await prepareContainer(options, machine);
  const plan = new ProcessRuntime({ root: prepared.runtimeRoot }).plan(prepared.request, false);
  const missing = new Set(prepared.description.directories);
  const { host } = plan;
  return compileCreate({
    ...plan,
    // `run` would have made these directories by now.
    host: { ...host, fileKind: (path) => (missing.has(path) ? "directory" : host.fileKind(path)) },
  });
}

function explainBundle(flags: ParsedFlags, directory: string, machine: MachineView): Program {
  if (flags.positional.length > 0) {
    throw new OrlopError("invalid", `"orlop explain --bundle" takes no image, and got "${flags.positional[0]}"`);
  }
  const bundle = realBundle(directory);
  const request: CreateRequest = {
    id: generateId(randomBytes),
    bundle,
    spec: decodeRuntimeSpec(readConfig(join(bundle, "config.json"))),
    stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
  };
  const root = join(stateDirectory(machine.uid, machine.env), "containers");
  return compileCreate(new ProcessRuntime({ root }).plan(request, true));
}

function realBundle(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (cause) {
    throw systemFailure(`open bundle "${directory}"`, cause);
  }
}

function readConfig(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw systemFailure(`read config "${path}"`, cause);
  }
}
