import { constants } from "node:os";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { CgroupDirectory, CgroupJoin } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { signalProcess } from "../process/end-process.ts";
import type { FollowedProgram } from "../process/followed-program.ts";
import type { KeptWork } from "../process/keep-programs.ts";
import { PinnedProcess } from "../process/pinned-process.ts";
import { planExec } from "../process/plan-exec.ts";
import type { Handover } from "../process/supervision.ts";
import type { Warn } from "../process/warn.ts";
import { resctrlJoins } from "../resctrl/plan-resctrl.ts";
import type { SystemdEnvironment } from "../systemd/connect-systemd.ts";
import { followExec } from "../systemd/follow-exec.ts";
import { newExecId } from "./exec-id.ts";
import type { OciExec } from "./oci-containers.ts";
import { StageLog } from "./stage-log.ts";

/** The container that an exec goes into. */
export interface ExecContext {
  readonly runner: HookRunner;
  readonly container: ContainerDirectory;
  readonly record: ContainerRecord;
  readonly init: PinnedProcess;
  readonly warn: Warn;
  /** Takes what helps to find out how things went. */
  readonly debug: Warn;
  /** The caller's: says where systemd listens. */
  readonly env: SystemdEnvironment;
  readonly kept: KeptWork;
}

/** An exec whose program has been sent. */
export interface BegunExec {
  readonly directory: ContainerDirectory;
  readonly followed: FollowedProgram;
  /** Resolves with its pid, when the caller has been told of it and its program runs; what fails leaves nothing. */
  untilStarted(): Promise<number>;
  /** Waits for the reaper's end and removes the directory. */
  remove(): Promise<void>;
}

/** Sends the program of one more process in a container. */
export function beginExec(context: ExecContext, request: OciExec, handover: Handover): BegunExec {
  const { runner, container, record, init, warn, debug, kept } = context;
  const { process: spec, consoleSocket, cgroup, announce } = request;
  const execId = newExecId(handover.makerPid ?? process.pid);
  const stdio = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
  const plan = planExec(
    { id: request.id, execId, process: spec, stdio: consoleSocket === undefined ? stdio : { ...stdio, consoleSocket } },
    { container, record, initPid: container.created()?.value ?? 0 },
    runner.host,
    handover,
    warn,
  );
  const stages = new StageLog(debug, `process in container "${request.id}"`);
  stages.compiled(plan.seccomp?.flags);
  // A cgroup that is asked for by name is that or none.
  const entry =
    cgroup === undefined
      ? {}
      : { join: [...joinBelow(record.cgroups, cgroup), ...resctrlJoins(record.resctrl)], joinInit: undefined };
  // Whose end the call waits for is not to outlive it unasked; the others are the caller's.
  const directory = container.exec(execId);
  const program = kept.execs.program({ ...plan, ...entry, detached: true, pinnedInit: init.fd });
  const followed = followExec(program, directory, plan.unit, context.env);
  directory.make(execId);
  runner.zygote.submit(program, followed.onReport);
  stages.sent(plan.process.execCPUAffinity);
  const remove = async (): Promise<void> => {
    await followed.ended.promise;
    directory.remove();
  };
  return {
    directory,
    followed,
    remove,
    async untilStarted() {
      try {
        const pid = await followed.created.promise;
        stages.created(pid);
        await announce?.(pid);
        await followed.started.promise;
        stages.executed();
        return pid;
      } catch (error) {
        await end(runner, directory);
        await remove();
        throw error;
      }
    },
  };
}

/** Ends the process, with its reaper or without. */
async function end(runner: HookRunner, directory: ContainerDirectory): Promise<void> {
  directory.tryCommand("signal", constants.signals.SIGKILL);
  const created = directory.created();
  if (created === undefined) return;
  using pinned = PinnedProcess.open(created.value, created.atMs);
  if (pinned !== undefined) await signalProcess(runner, pinned, constants.signals.SIGKILL);
}

/** Cgroups below the container's own; those of hierarchies that are not named are the container's. */
function joinBelow(
  cgroups: readonly CgroupDirectory[],
  below: Readonly<Record<string, string>>,
): readonly CgroupJoin[] {
  const unused = new Set(Object.keys(below));
  const joins = cgroups.map(({ path, version, controllers }) => {
    const names = version === 2 ? [""] : controllers;
    const name = names.find((each) => below[each] !== undefined);
    if (name !== undefined) unused.delete(name);
    return {
      directory: name === undefined ? path : join(path, below[name] ?? ""),
      file: version === 1 ? "tasks" : "cgroup.procs",
      reason: "the exec counts as the container",
    };
  });
  const [left] = unused;
  if (left === undefined) return joins;
  throw new OrlopError("invalid", `Cannot use cgroup "${below[left]}": unknown controller ${left}`);
}
