import type { UplinkProgram } from "./uplink.ts";
import type { HeldHost } from "./user-host.ts";

/** The largest that both have; nothing of it goes over a wire. */
export const UPLINK_MTU = 65_520;

/** Of slirp4netns(1), which are the same everywhere; pasta is told them. */
export const UPLINK = {
  link: "uplink",
  own: "10.0.2.100",
  prefixLength: 24,
  gateway: "10.0.2.2",
  names: "10.0.2.3",
} as const;

/** RFC 4193: what is sent to there never leaves by it, because pasta makes sockets of it. */
export const UPLINK6 = { link: "uplink6", own: "fd6f:726c:6f70:2::100", gateway: "fd6f:726c:6f70:2::2" } as const;

/** IEEE 802, chosen here: one for each end. */
const OUTSIDE_MAC = "02:00:00:00:00:01";

/**
 * @param outside for IPv6: the interface of the machine that pasta is to learn from that there is IPv6
 */
export function uplinkArguments(program: UplinkProgram, host: HeldHost, outside?: string): readonly string[] {
  if (program === "slirp4netns") {
    return [
      // Not --enable-sandbox: it wants to be root of the user namespace.
      ...["--configure", `--mtu=${UPLINK_MTU}`, "--disable-host-loopback", "--enable-seccomp"],
      `--userns-path=${host.user}`,
      ...["--netns-type=path", host.net, UPLINK.link],
    ];
  }
  return [
    "--config-net",
    ...(outside === undefined
      ? [...addressArguments(UPLINK), ...["--netmask", `${UPLINK.prefixLength}`], "--dns-forward", UPLINK.names]
      : addressArguments(UPLINK6, outside)),
    ...["--ns-ifname", (outside === undefined ? UPLINK : UPLINK6).link],
    // The gateway does not stand for the machine's loopback.
    ...["--no-map-gw", "--tcp-ports", "none", "--udp-ports", "none"],
    ...namespaceArguments(host),
  ];
}

/** Of one version of IP; for IPv4 pasta would want a default route of the machine's, did it not look at one interface only. */
export function addressArguments(
  { own, gateway }: { readonly own: string; readonly gateway: string },
  outside = "lo",
): readonly string[] {
  const version = own.includes(":") ? "--ipv6-only" : "--ipv4-only";
  return [
    "--quiet",
    version,
    "--interface",
    outside,
    "--address",
    own,
    "--gateway",
    gateway,
    "--mac-addr",
    OUTSIDE_MAC,
  ];
}

/** Nothing of the namespace leads to the machine's loopback. */
export function namespaceArguments({ user, net }: HeldHost): readonly string[] {
  return ["--tcp-ns", "none", "--udp-ns", "none", "--userns", user, "--netns", net];
}
