import { OrlopError, type Process } from "@orlop/core";
import type { Slot } from "@orlop/kernel";
import { emitWriteProc } from "./proc-handle.ts";
import type { Supervision } from "./supervision.ts";

/**
 * AppArmor profile and SELinux label of the program about to be executed, through a procfs that cannot be faked
 * (CVE-2019-16884). Refused where the kernel has no such module: a container must not run with less than was asked for.
 */
export function emitSecurityLabels(s: Supervision, process: Process, proc: Slot): void {
  const { p } = s;
  const { apparmorProfile, selinuxLabel } = process;
  if (apparmorProfile !== undefined && apparmorProfile !== "" && apparmorProfile !== "unconfined") {
    if (!s.host.apparmor) throw missing("AppArmor profile", apparmorProfile, "AppArmor", "process.apparmorProfile");
    p.step({ action: `set AppArmor profile "${apparmorProfile}"`, field: "process.apparmorProfile" });
    emitWriteProc(p, proc, "self/attr/apparmor/exec", `exec ${apparmorProfile}`);
  }
  if (selinuxLabel !== undefined && selinuxLabel !== "") {
    if (!s.host.selinux) throw missing("SELinux label", selinuxLabel, "SELinux", "process.selinuxLabel");
    p.step({ action: `set SELinux label "${selinuxLabel}"`, field: "process.selinuxLabel" });
    emitWriteProc(p, proc, "self/attr/exec", selinuxLabel);
  }
}

function missing(what: string, value: string, module: string, field: string): OrlopError {
  return new OrlopError("unsupported", `Cannot set ${what} "${value}": this kernel runs without ${module}`, { field });
}
