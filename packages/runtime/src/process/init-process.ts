import { constants } from "node:os";
import { emitReport, IFREQ_FLAGS, RLIMIT64, reportBuffer, SIGACTION } from "@orlop/kernel";
import { type Compilation, isNew } from "./compilation.ts";
import { emitDevices } from "./devices.ts";
import { emitExecute } from "./execute.ts";
import { emitIdentity } from "./identity.ts";
import { emitMaskPaths, emitMounts, emitReadonlyPaths, emitTakeMasks } from "./mounts.ts";
import { emitPivot, emitRootFileSystem } from "./root-filesystem.ts";
import { emitInstallStdio } from "./stdio.ts";
import { emitEnterUserNamespace } from "./user-namespace.ts";

const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** The process that becomes the user's program. See {@link compileCreate}. */
export function emitInit(c: Compilation): void {
  const { p, plan } = c;
  const { spec } = plan.request;
  p.role("init");
  emitPrepare(c);
  if (c.userNamespace) emitEnterUserNamespace(c);
  if (isNew(c, "network")) emitLoopback(c);
  emitNames(c);
  emitRootFileSystem(c);
  emitTakeMasks(c);
  emitMounts(c);
  emitDevices(c);
  emitPivot(c);
  emitMaskPaths(c);
  emitReadonlyPaths(c);
  const { process } = spec;
  if (process === undefined) return;
  emitLimits(c);
  emitInstallStdio(c);
  emitReady(c);
  p.step({ action: `become the user of the container` });
  emitIdentity(p, {
    process,
    lastCapability: plan.host.lastCapability,
    groupsDenied: c.userNamespace && !c.privileged,
  });
  p.step({ action: `change to directory "${process.cwd}"`, field: "process.cwd" });
  p.call("chdir", [p.text(process.cwd)]);
  if (process.noNewPrivileges) {
    p.step({ action: "give up new privileges", field: "process.noNewPrivileges" });
    p.call("prctl", [p.flags("PR_SET_NO_NEW_PRIVS"), 1, 0, 0, 0]);
  }
  emitExecute(p, process);
  emitFailure(c);
}

function emitPrepare(c: Compilation): void {
  const { p, plan } = c;
  p.step({ action: "prepare init" });
  p.handler(c.labels.initFailed);
  if (!plan.request.detached) {
    p.call("prctl", [p.flags("PR_SET_PDEATHSIG"), p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0, 0]);
  }
  p.call("setsid", []);
}

function emitFailure(c: Compilation): void {
  const { p } = c;
  p.mark(c.labels.initFailed);
  p.step({ action: "report a failure of init" });
  const report = reportBuffer(p);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
}

const IFF_UP = 1;

function emitLoopback(c: Compilation): void {
  const { p } = c;
  const socket = p.slot("socket");
  p.step({
    action: 'bring up "lo"',
    field: "linux.namespaces",
    why: "a new network namespace has only this, and it is down",
  });
  p.call("socket", [p.flags("AF_INET"), p.flags("SOCK_DGRAM|SOCK_CLOEXEC"), 0], { into: socket });
  const request = p.struct(IFREQ_FLAGS, { ifr_name: Buffer.from("lo"), ifr_flags: p.number(IFF_UP, "IFF_UP") });
  p.call("ioctl", [socket, p.flags("SIOCSIFFLAGS"), request]);
  p.call("close", [socket]);
}

function emitNames(c: Compilation): void {
  const { p } = c;
  const { hostname, domainname } = c.plan.request.spec;
  for (const [call, field, name] of [
    ["sethostname", "hostname", hostname],
    ["setdomainname", "domainname", domainname],
  ] as const) {
    if (name === undefined || name === "") continue;
    p.step({ action: `set ${field} "${name}"`, field });
    p.call(call, [p.bytes(Buffer.from(name), JSON.stringify(name)), Buffer.byteLength(name)]);
  }
}

function emitLimits(c: Compilation): void {
  const { p } = c;
  const limits = c.plan.request.spec.process?.rlimits ?? [];
  for (const [index, { type, soft, hard }] of limits.entries()) {
    p.step({ action: `set ${type} to ${soft}:${hard}`, field: `process.rlimits[${index}]` });
    const limit = p.struct(RLIMIT64, { rlim_cur: BigInt(soft), rlim_max: BigInt(hard) });
    p.call("prlimit64", [0, p.number(RLIMITS[type] ?? -1, type), limit, 0]);
  }
}

/** Tells the reaper; then, where asked to, waits for its word. The end of the socket means that the reaper is gone. */
function emitReady(c: Compilation): void {
  const { p, slots } = c;
  p.step({ action: "tell the reaper that all is ready" });
  p.call("write", [slots.syncInit, p.text("."), 1]);
  if (!c.plan.startOnCommand) return;
  p.step({ action: "wait for the start command" });
  const got = p.slot("got");
  p.call("read", [slots.syncInit, p.buffer(8, "<byte>"), 1], { into: got });
  const go = p.label("go");
  p.branch(got, "ne", 0, go);
  p.call("exit_group", [1]);
  p.mark(go);
}
