import { emitReport } from "@orlop/kernel";
import type { ContainerUnit } from "../systemd/container-unit.ts";
import { emitAwaitCommand } from "./await-command.ts";
import { emitAwaitLeave, type Supervision, WORD } from "./supervision.ts";

/** In the reaper: has systemd, which only whoever listens can speak to, take init into its unit. */
export function emitAskForUnit({ p, slots, report }: Supervision, { name }: ContainerUnit): void {
  p.step({
    action: `ask for unit "${name}"`,
    field: "linux.cgroupsPath",
    why: "systemd makes it with init in it, which meanwhile builds the file system",
  });
  emitReport(p, report, "paused", { index: WORD.unit, value: slots.child });
}

/** In the reaper: waits until that is done. */
export function emitAwaitUnit(s: Supervision, { name }: ContainerUnit): void {
  s.p.step({
    action: `wait for unit "${name}"`,
    field: "linux.cgroupsPath",
    why: "what systemd has no property for is written to its cgroups once they are there",
  });
  emitAwaitCommand(s, s.slots.pidfd);
}

/** In the reaper of an exec, which is not allowed to move its child out of a session: has the user's systemd do it. */
export function emitAttachToUnit(s: Supervision, { name }: ContainerUnit): void {
  const { p, slots, report } = s;
  p.step({ action: `ask to be taken into unit "${name}", and wait`, field: "linux.cgroupsPath" });
  emitReport(p, report, "paused", { index: WORD.unit, value: slots.child });
  emitAwaitCommand(s, slots.pidfd);
}

/** In the reaper, when init is in all its cgroups and these have their limits. */
export function emitLetIntoUnit({ p, slots }: Supervision): void {
  p.step({ action: "let init go on in its unit" });
  p.call("sendto", [slots.syncReaper, p.text("."), 1, p.flags("MSG_NOSIGNAL"), 0, 0]);
}

/** In init: waits for that. */
export function emitAwaitOwnUnit(s: Supervision, { name }: ContainerUnit): void {
  s.p.step({
    action: `wait to be in unit "${name}"`,
    field: "linux.cgroupsPath",
    why: "a cgroup namespace shows the cgroup that it is made in as its root",
  });
  emitAwaitLeave(s);
}
