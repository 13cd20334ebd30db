import { IFREQ_FLAGS } from "@orlop/kernel";
import type { Compilation } from "./compilation.ts";

const IFF_UP = 1;

/** In a process that is in the container's network namespace: makes its own loopback device one that can be used. */
export function emitLoopback({ p }: Pick<Compilation, "p">): void {
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
