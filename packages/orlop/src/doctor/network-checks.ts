import type { DoctorHost } from "./doctor-host.ts";
import { type Finding, ok, warning } from "./finding.ts";

const TUN = "/dev/net/tun";
const WHY = "an ordinary user's containers have no network but none, host and another container's";
const ONE_VERSION = "an ordinary user's containers reach others by IPv4 alone, and publish no ports of IPv6";
const BIG =
  "pasta alone does it too, with some 20 MB for IPv4 and for each published port, where slirp4netns takes 1 MB for all";

/**
 * Whether an ordinary user's containers can be connected; root needs nothing but the kernel for it. With both programs, slirp4netns
 * leads out by IPv4 and has its ports, and pasta does IPv6 (docs/networking.md).
 */
export function networkChecks(host: DoctorHost): readonly Finding[] {
  if (host.uid === 0) return [];
  const name = "networks";
  const has = (program: string): boolean => host.findProgram(program) !== undefined;
  const found = ["slirp4netns", "pasta"].filter(has).join(" and ");
  const install = "sudo apt-get install slirp4netns passt";
  if (found === "") return [warning(name, "neither slirp4netns nor pasta", WHY, install)];
  if (!host.exists(TUN)) return [warning(name, `${found}, but no ${TUN}`, WHY, "sudo modprobe tun")];
  // The kernel's own mode; whoever may make a namespace may have a device in it.
  if (!host.canWrite(TUN)) {
    return [warning(name, `${found}, but ${TUN} is root's alone`, WHY, `sudo chmod 0666 ${TUN}`)];
  }
  if (!has("pasta")) return [warning(name, "slirp4netns, but no pasta", ONE_VERSION, "sudo apt-get install passt")];
  if (!has("slirp4netns")) return [warning(name, "pasta, but no slirp4netns", BIG, "sudo apt-get install slirp4netns")];
  return [ok(name, "slirp4netns by IPv4, pasta by IPv6")];
}
