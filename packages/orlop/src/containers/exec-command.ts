import { generateId, OrlopError, type Process, type Runtime } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { randomBytes } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printWarning } from "../print.ts";
import { parseDetachKeys } from "../run/detach-keys.ts";
import { parseVariable, readEnvironmentFile, type Variable } from "../run/environment.ts";
import { openForeground } from "../run/foreground.ts";
import { parsePreserved, refusePreserved } from "../run/kept-descriptors.ts";
import { parseRuntime } from "../run/runtime-choice.ts";
import { windowSize } from "../run/window-size.ts";
import { refuseOtherInput } from "./attached-session.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { execProcess } from "./exec-process.ts";
import { firstContainer, LATEST } from "./latest-container.ts";

export const execCommand: Command = containerCommand(
  {
    name: "exec",
    startsProcesses: true,
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    description:
      "Runs one more program in a container that runs, and stays with it until it ends, with its exit code. The program has the " +
      "container's user, variables and directory, unless said otherwise.",
    examples: [
      ["orlop exec -it web sh", "a shell in it; ctrl-p ctrl-q leaves it running"],
      ["orlop exec -u 0 -e DEBUG=1 web tool --check", "as root, with a variable more"],
    ],
    table: {
      flags: [
        { name: "interactive", short: "i", help: "Keep standard input connected" },
        { name: "tty", short: "t", help: "Give it a terminal" },
        { name: "detach", short: "d", help: "Leave it running" },
        { name: "env", short: "e", value: "NAME[=VALUE]", help: "Set a variable; without a value, to what it is here" },
        { name: "env-file", value: "FILE", help: "Read variables from a file, one a line" },
        { name: "user", short: "u", value: "USER[:GROUP]", help: "User and group, as names or numbers" },
        { name: "workdir", short: "w", value: "DIR", emptyIsNone: true, help: "Directory to start in" },
        { name: "detach-keys", value: "KEYS", help: "What is typed to leave it running: ctrl-p,ctrl-q" },
        { name: "preserve-fds", value: "NUMBER", help: "Pass on so many open descriptors, from 3 up" },
        { name: "privileged", help: "With all capabilities" },
        LATEST,
      ],
    },
  },
  exec,
);

async function exec(call: ContainerCall): Promise<number> {
  const { engine, flags, machine } = call;
  if (flags.positional.length < (flags.isOn("latest") ? 1 : 2))
    throw new OrlopError("invalid", "a container and a command are required");
  // Whether it still runs is asked below.
  const { container, words } = await firstContainer(call, { atAGlance: true });
  refuseIdle(container);
  // Of a network that was cut off, the program would see nothing. Root's has no process that somebody could kill.
  if (machine.rootless && container.state.endpoints.length > 0) {
    await engine.mendNetworks().catch((error: Error) => printWarning(error.message));
  }
  const runtime = await engine.runtime(container);
  const user = flags.text("user");
  // Our own asks whether it runs when it starts the program: once is enough where nobody is to be looked up in it.
  const isAsked = user === undefined && parseRuntime(container.runtime).kind === "process";
  const pid = isAsked ? undefined : await initPid(runtime, container);
  const options = {
    words: words[0] === "--" ? words.slice(1) : words,
    terminal: flags.isOn("tty"),
    interactive: flags.isOn("interactive"),
    variables: readVariables(flags),
    user,
    workdir: flags.text("workdir"),
    privileged: flags.isOn("privileged"),
    pid,
    capabilities: machine.capabilities,
    windowSize: flags.isOn("tty") ? windowSize() : undefined,
  };
  const program = execProcess(container.process, options);
  const keys = parseDetachKeys(flags.text("detach-keys"));
  const preservedFds = flags.parse("preserve-fds", parsePreserved);
  if (flags.isOn("detach")) refusePreserved(preservedFds, "Try without --detach.");
  const attached = { ...options, keys, preservedFds };
  if (!flags.isOn("detach")) return await execAttached(call, runtime, container, program, attached);
  const execId = generateId(randomBytes);
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  await inRunning(runtime, container, () => runtime.exec({ id: container.id, execId, process: program, stdio }));
  // When it ends, nobody is there to tell.
  noteBegin(call, container, execId, program);
  return 0;
}

function noteBegin({ engine }: ContainerCall, container: Container, execID: string, { args = [] }: Process): void {
  // Docker puts a space behind the program, whether or not there are arguments.
  const [program = "", ...others] = args;
  const actions = ["exec_create", "exec_start"].map((action) => `${action}: ${program} ${others.join(" ")}`);
  engine.note(container, actions, { execID });
}

async function initPid(runtime: Runtime, container: Container): Promise<number> {
  const { pid } = await runtime.state(container.id);
  if (pid === undefined) throw notRunning(container);
  return pid;
}

/** Says of one that does not run any more what is said of one that was known not to. */
async function inRunning<T>(runtime: Runtime, container: Container, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof OrlopError && error.code === "conflict") await initPid(runtime, container);
    throw error;
  }
}

function refuseIdle(container: Container): void {
  const { name, state } = container;
  if (state.status === "paused") {
    throw new OrlopError("conflict", `Container ${name} is paused, unpause the container before exec`);
  }
  if (state.status !== "running") throw notRunning(container);
}

/** In docker's words. */
function notRunning({ id }: Container): OrlopError {
  return new OrlopError("conflict", `container ${id} is not running`);
}

function readVariables(flags: ParsedFlags): readonly Variable[] {
  const files = flags.list("env-file").flatMap((path) => readEnvironmentFile(path, caller().env));
  return [...files, ...flags.parseAll("env", (text) => parseVariable(text, caller().env))];
}

interface AttachedOptions {
  readonly interactive: boolean;
  readonly terminal: boolean;
  readonly keys: Buffer;
  readonly preservedFds: number | undefined;
}

async function execAttached(
  call: ContainerCall,
  madeBy: Runtime,
  container: Container,
  process: Process,
  { interactive, terminal, keys, preservedFds }: AttachedOptions,
): Promise<number> {
  refuseOtherInput({ interactive, tty: terminal });
  await using stack = new AsyncDisposableStack();
  const runtime = parseRuntime(container.runtime);
  const options = {
    runtime,
    stateDirectory: call.stateDirectory,
    tty: terminal,
    interactive,
    signalProxy: true,
    ...(preservedFds && { preservedFds }),
  };
  const foreground = stack.use(await openForeground(options));
  const { id } = container;
  const execId = generateId(randomBytes);
  const stdin = interactive ? "inherit" : "null";
  const letsGo =
    keys.length > 0 && interactive && terminal && (runtime.kind !== "shim" || call.flags.has("detach-keys"));
  const { detached } = await inRunning(madeBy, container, () =>
    foreground.exec({
      ...{ id, execId, process },
      stdio: { stdin, stdout: "inherit", stderr: "inherit" },
      ...(letsGo ? { detachKeys: [...keys] } : {}),
    }),
  );
  const { consoleSize } = process;
  const size = consoleSize && { rows: consoleSize.height, columns: consoleSize.width };
  foreground.attach({ id, execId, size });
  noteBegin(call, container, execId, process);
  const letGo = new AbortController();
  if (letsGo) void detached?.then(() => letGo.abort());
  const exit = await foreground.wait({ id, execId }, letGo.signal).catch((error) => {
    if (!letGo.signal.aborted) throw error;
  });
  if (exit === undefined) {
    call.engine.note(container, ["exec_detach"], { execID: execId });
    return 0;
  }
  call.engine.note(container, ["exec_die"], { execID: execId, exitCode: String(exit.exitCode) });
  return exit.exitCode;
}
