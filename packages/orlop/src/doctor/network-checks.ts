import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, ok, warning } from "./finding.ts";

const TUN = "/dev/net/tun";
const WHY = "an ordinary user's containers have no network but none, host and another container's";

/** Whether an ordinary user's containers can be connected; root needs nothing but the kernel for it. */
export function networkChecks(host: DoctorHost): readonly Finding[] {
  if (host.uid === 0) return [];
  const name = "networks";
  const program = ["pasta", "slirp4netns"].find((each) => host.findProgram(each) !== undefined);
  if (program === undefined) {
    return [warning(name, "neither pasta nor slirp4netns", WHY, "sudo apt-get install passt")];
  }
  if (!host.exists(TUN)) return [warning(name, `${program}, but no ${TUN}`, WHY, "sudo modprobe tun")];
  // The kernel's own mode; whoever may make a namespace may have a device in it.
  if (!host.canWrite(TUN)) {
    return [warning(name, `${program}, but ${TUN} is root's alone`, WHY, `sudo chmod 0666 ${TUN}`)];
  }
  return [ok(name, program)];
}
