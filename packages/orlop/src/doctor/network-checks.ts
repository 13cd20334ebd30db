import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, ok, warning } from "./finding.ts";

const TUN = "/dev/net/tun";
const WHY = "an ordinary user's containers have no network but none, host and another container's";
const APART = "an ordinary user's containers do not reach each other, and have no egress policies";

/** Whether an ordinary user's containers can be connected; root needs nothing but the kernel for it. */
export function networkChecks(host: DoctorHost): readonly Finding[] {
  if (host.uid === 0) return [];
  const name = "networks";
  const program = ["slirp4netns", "pasta"].find((each) => host.findProgram(each) !== undefined);
  const install = "sudo apt-get install slirp4netns";
  if (program === undefined) return [warning(name, "neither slirp4netns nor pasta", WHY, install)];
  if (!host.exists(TUN)) return [warning(name, `${program}, but no ${TUN}`, WHY, "sudo modprobe tun")];
  // The kernel's own mode; whoever may make a namespace may have a device in it.
  if (!host.canWrite(TUN)) {
    return [warning(name, `${program}, but ${TUN} is root's alone`, WHY, `sudo chmod 0666 ${TUN}`)];
  }
  return program === "pasta" ? [warning(name, "pasta, but no slirp4netns", APART, install)] : [ok(name, program)];
}
