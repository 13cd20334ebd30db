import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type Hook, OrlopError, type State } from "@orlop/core";
import { compileExec } from "./compile-exec.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import { exitStatus } from "./exit-status.ts";
import { FollowedProgram } from "./followed-program.ts";
import { hookOutput } from "./hook-output.ts";
import { expectSuccess } from "./hooks.ts";
import { innerPid } from "./inner-pid.ts";
import type { HookedContainer } from "./kept-request.ts";
import type { ZygoteLike } from "./own-zygote.ts";
import { planExec } from "./plan-exec.ts";
import type { HostView } from "./supervision.ts";

const MILLISECONDS = 1000;

/**
 * Runs the hooks of the start. Their programs are the image's, not the host's, so each runs as an exec in the container:
 * its namespaces and cgroups, its user, its capabilities and its filter, and nothing of the host but the state on its
 * standard input.
 */
export async function runStartHooks(
  { zygote, host }: { readonly zygote: ZygoteLike; readonly host: HostView },
  container: ContainerDirectory,
  { id, spec }: HookedContainer,
  state: State,
): Promise<void> {
  const input = join(container.path, "hook-state.json");
  const { pid = 0 } = state;
  writeFileSync(input, JSON.stringify({ ...state, pid: innerPid(pid) }), { mode: 0o600 });
  const log = join(container.path, "hooks.log");
  for (const [index, hook] of (spec.hooks?.startContainer ?? []).entries()) {
    const field = `hooks.startContainer[${index}]`;
    const execId = `start-hook-${index}`;
    const process = {
      ...(spec.process ?? { user: { uid: 0, gid: 0 } }),
      terminal: false,
      cwd: "/",
      args: hook.args ?? [hook.path],
      // As runc has it, a hook without an environment of its own has that of the program.
      env: hook.env ?? spec.process?.env ?? [],
    };
    const { stdout, stderr } = hookOutput(log, state);
    const stdio = { stdin: { path: input }, stdout: { path: stdout }, stderr: { path: stderr } };
    const plan = planExec(
      { id, execId, process, stdio },
      { container, record: container.record(id), initPid: pid },
      host,
    );
    // An environment of its own is complete: HOME is not added.
    const own = hook.env === undefined ? {} : { process };
    const program = compileExec({ ...plan, ...own, executable: hook.path, state });
    const directory = container.exec(execId);
    await removeLeft(directory);
    directory.make(execId);
    const followed = new FollowedProgram(program);
    zygote.submit(program, followed.onReport);
    await waitInTime(hook, field, log, directory, followed);
  }
}

/** What has become of the same hook of a start that was cut short. */
async function removeLeft(directory: ContainerDirectory): Promise<void> {
  if (!directory.exists()) return;
  directory.tryCommand("signal", constants.signals.SIGKILL);
  await directory.waitForReaper();
  directory.remove();
}

async function waitInTime(
  hook: Hook,
  field: string,
  log: string,
  directory: ContainerDirectory,
  followed: FollowedProgram,
): Promise<void> {
  let late = false;
  const end = (): void => {
    late = true;
    directory.tryCommand("signal", constants.signals.SIGKILL);
  };
  const timer = hook.timeout === undefined ? undefined : setTimeout(end, hook.timeout * MILLISECONDS);
  try {
    const status = exitStatus(await followed.exited.promise, false);
    if (late) {
      throw new OrlopError(
        "failed",
        `Cannot wait ${hook.timeout} s for hook "${hook.path}": timer expired (${field}.timeout)`,
        {
          operation: "run hook",
          errno: "ETIME",
          field: `${field}.timeout`,
        },
      );
    }
    expectSuccess(hook, field, log, status);
  } finally {
    clearTimeout(timer);
    await followed.ended.promise;
    directory.remove();
  }
}
