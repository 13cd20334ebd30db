import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type ExitStatus, type Hook, type Hooks, type LinuxNamespaceType, OrlopError, type State } from "@orlop/core";
import type { Zygote } from "@orlop/kernel";
import { compileHook } from "./compile-hook.ts";
import { exitStatus } from "./exit-status.ts";
import { FollowedProgram } from "./followed-program.ts";
import { hookOutput } from "./hook-output.ts";
import { innerPid } from "./inner-pid.ts";
import type { HostView } from "./supervision.ts";

/** Hooks of the host's that run in the container's namespaces (runtime-spec, config.md, "POSIX-platform Hooks"). */
const INSIDE: ReadonlySet<keyof Hooks> = new Set(["createContainer"]);

/** How much of what a failed hook said goes into the error. */
const SAID_MAX_CHARACTERS = 400;

interface HookContext {
  readonly zygote: Pick<Zygote, "submit">;
  readonly host: HostView;
  readonly hooks: Hooks;
  readonly state: State;
  /** Those of the container. */
  readonly namespaces: readonly LinuxNamespaceType[];
  /** Takes the hooks' output. */
  readonly directory: string;
  /** The container's root file system, where it is a directory. */
  readonly rootfs: string;
  /** The environment of a hook that has none of its own. */
  readonly hookEnv: readonly string[];
  /** Hooks in the container's namespaces begin in the bundle, too. */
  readonly inBundle: boolean;
}

/** Runs the hooks of one kind in order; rejects with the first that fails. */
export async function runHooks(context: HookContext, kind: keyof Hooks): Promise<void> {
  for (const [index, hook] of (context.hooks[kind] ?? []).entries()) {
    await runHook(context, kind, hook, `hooks.${kind}[${index}]`);
  }
}

async function runHook(context: HookContext, kind: keyof Hooks, hook: Hook, field: string): Promise<void> {
  const { zygote, host, state, hookEnv, inBundle } = context;
  const log = join(context.directory, "hooks.log");
  const inside = INSIDE.has(kind) && state.pid !== undefined ? { pid: state.pid } : undefined;
  const program = compileHook({
    host,
    hook: { ...hook, env: hook.env ?? hookEnv },
    field,
    state: JSON.stringify(inside === undefined ? state : { ...state, pid: innerPid(inside.pid) }),
    enter: inside === undefined ? undefined : { ...inside, namespaces: context.namespaces },
    output: hookOutput(log, state),
    // As with runc: what is mounted into the container can be named from its root.
    directory: inside !== undefined && context.rootfs !== "" && !inBundle ? context.rootfs : state.bundle,
  });
  const followed = new FollowedProgram(program);
  zygote.submit(program, followed.onReport);
  expectSuccess(hook, field, log, exitStatus(await followed.exited.promise, false));
}

/** Go's words for the signals of programs that go wrong, which runc gives and its users look for; behind the number. */
const SIGNAL_WORDS: Readonly<Record<number, string>> = {
  [constants.signals.SIGILL]: "illegal instruction",
  [constants.signals.SIGABRT]: "aborted",
  [constants.signals.SIGBUS]: "bus error",
  [constants.signals.SIGKILL]: "killed",
  [constants.signals.SIGSEGV]: "segmentation fault",
  [constants.signals.SIGTERM]: "terminated",
  [constants.signals.SIGSYS]: "bad system call",
};

function signalWords(signal: number): string {
  const words = SIGNAL_WORDS[signal];
  return words === undefined ? "" : ` (${words})`;
}

/** Throws for a hook that did not end well, with the end of what it said, unless files of its own take that. */
export function expectSuccess(hook: Hook, field: string, log: string, status: ExitStatus): void {
  if (status.exitCode === 0) return;
  const how =
    status.signal === undefined
      ? `exit status ${status.exitCode}`
      : `signal ${status.signal}${signalWords(status.signal)}`;
  const said = !existsSync(log) ? "" : readFileSync(log, "utf8").trim().slice(-SAID_MAX_CHARACTERS);
  const tail = said === "" ? "" : `: ${said}`;
  throw new OrlopError("failed", `Cannot run hook "${hook.path}": it ended with ${how}${tail}`, {
    operation: "run hook",
    field,
  });
}
