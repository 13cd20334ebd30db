import { constants } from "node:os";
import type { ProgramBuilder, Slot } from "@orlop/kernel";
import { emitCloseAllBut, emitCloseAround } from "./execute.ts";
import type { Supervision } from "./supervision.ts";

const SIGNALFD_SIGINFO_BYTES = 128;
const ALL_SIGNALS = 0xffff_ffff_ffff_ffffn;

/**
 * A small init: the process that is here stays behind as pid 1, forwards every signal to the user's program, reaps
 * orphans, and ends with the program's status, as a shell would give it. The program goes on below, as its child.
 */
export function emitPidOne(s: Supervision): void {
  const { p } = s;
  const child = p.slot("program");
  const program = p.label("the program goes on");
  const signals = p.slot("signals");
  const ours = p.slot("pid_one_end");
  const programs = p.slot("program_end");
  const pair = p.buffer(8, "{pid_one_end, program_end}");
  const mask = p.bytes(u64(ALL_SIGNALS), "[ALL]");
  p.step({ action: "leave pid 1 behind, which forwards signals and reaps orphans" });
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), mask, 0, 8]);
  // Pid 1 executes nothing, so nothing takes the program's memory and descriptors from it: nobody may look. The child's
  // exec makes the child dumpable again.
  p.call("prctl", [p.flags("PR_SET_DUMPABLE"), 0, 0, 0, 0]);
  p.call("signalfd4", [p.number(-1), mask, 8, p.flags("O_CLOEXEC")], { into: signals });
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(ours, pair, 4);
  p.load(programs, pair.at(4), 4);
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: child });
  p.branch(child, "eq", 0, program);
  p.role("pid 1");
  p.step({ action: "be pid 1" });
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-init"), 0, 0, 0]);
  p.step({
    action: "wait for the program's process group",
    why: "with pid 1 the terminal goes: until then only a failure that it can tell of may end it",
  });
  p.call("close", [programs]);
  p.call("read", [ours, p.buffer(8, "<byte>"), 1]);
  p.step({
    action: "close what pid 1 must not keep",
    why: "CVE-2024-21626: through /proc/1/fd the program would reach the host's directories",
  });
  emitCloseAllBut(p, signals, ours);
  emitForwardAndReap(s);
  p.role("init");
  p.mark(program);
  p.step({ action: "start the program in a process group of its own" });
  p.call("setpgid", [0, 0]);
  if (s.terminal) emitForeground(s);
  p.step({ action: "wait until pid 1 has closed what it must not keep" });
  p.call("close", [ours]);
  p.call("write", [programs, p.text("."), 1]);
  p.call("read", [programs, p.buffer(8, "<end>"), 1]);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(u64(0n), "[]"), 0, 8]);
}

/**
 * A small init without a program: the process that is here is pid 1 from now on, reaps orphans, and ends when it is asked
 * to, with the status that the signal stands for. That it holds nothing open any more tells its reaper that it has started:
 * that one has the other end of `told`. Absent: nobody waits for that.
 *
 * Whether anybody may look at it is left as it is: a reaper in a user namespace needs that for execs.
 */
export function emitPidOneAlone(p: ProgramBuilder, told?: Slot): void {
  const signals = p.slot("signals");
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  const signal = p.slot("signal");
  const ended = p.slot("ended");
  const next = p.label("next signal");
  const reap = p.label("reap");
  const exit = p.label("it is to end");
  p.step({ action: "be pid 1, which reaps orphans" });
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(u64(ALL_SIGNALS), "[ALL]"), 0, 8]);
  p.call("signalfd4", [p.number(-1), p.bytes(u64(ALL_SIGNALS), "[ALL]"), 8, p.flags("O_CLOEXEC")], { into: signals });
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-init"), 0, 0, 0]);
  p.step({ action: "close what pid 1 must not keep", why: "CVE-2024-21626: see /proc/1/fd" });
  if (told === undefined) emitCloseAround(p, 3, signals);
  else emitCloseAllBut(p, signals, told);
  p.mark(next);
  p.call("read", [signals, info, SIGNALFD_SIGINFO_BYTES], { on: ["EINTR"], goto: next });
  p.load(signal, info, 4);
  p.branch(signal, "eq", p.number(constants.signals.SIGCHLD, "SIGCHLD"), reap);
  p.branch(signal, "eq", p.number(constants.signals.SIGTERM, "SIGTERM"), exit);
  p.branch(signal, "eq", p.number(constants.signals.SIGINT, "SIGINT"), exit);
  p.jump(next);
  p.mark(reap);
  p.call("wait4", [p.number(-1), 0, p.flags("WNOHANG|__WALL"), 0], { into: ended, on: "any", goto: next });
  p.branch(ended, "eq", 0, next);
  p.jump(reap);
  p.mark(exit);
  p.add(signal, signal, 128);
  p.call("exit_group", [signal]);
}

/** Waits for a signal; SIGCHLD means somebody ended, anything else is for the program. */
function emitForwardAndReap(s: Supervision): void {
  const { p } = s;
  const child = p.slot("program");
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  const status = p.buffer(8, "&status");
  const signal = p.slot("signal");
  const ended = p.slot("ended");
  const next = p.label("next signal");
  const reap = p.label("reap");
  const exit = p.label("the program has ended");
  const killed = p.label("the program was killed");
  p.mark(next);
  p.call("read", [p.slot("signals"), info, SIGNALFD_SIGINFO_BYTES], { on: ["EINTR"], goto: next });
  p.load(signal, info, 4);
  p.branch(signal, "eq", p.number(constants.signals.SIGCHLD, "SIGCHLD"), reap);
  p.call("kill", [child, signal], { ignore: "any" });
  p.jump(next);
  p.mark(reap);
  p.call("wait4", [p.number(-1), status, p.flags("WNOHANG|__WALL"), 0], { into: ended, on: "any", goto: next });
  p.branch(ended, "eq", 0, next);
  p.branch(ended, "ne", child, reap);
  p.mark(exit);
  p.load(signal, status, 1);
  p.and(signal, signal, 0x7f);
  p.branch(signal, "ne", 0, killed);
  p.load(signal, status, 1, 1);
  p.call("exit_group", [signal]);
  p.mark(killed);
  p.add(signal, signal, 128);
  p.call("exit_group", [signal]);
}

/** Makes the program's process group the terminal's; SIGTTOU, which would stop it, is blocked by now. */
function emitForeground(s: Supervision): void {
  const { p } = s;
  const pid = p.slot("pid");
  const group = p.buffer(8, "&pid");
  p.call("getpid", [], { into: pid });
  p.store(group, 4, pid);
  p.call("ioctl", [0, p.flags("TIOCSPGRP"), group]);
}

function u64(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(value);
  return out;
}
