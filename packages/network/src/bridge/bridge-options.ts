import { OrlopError } from "@orlop/core";

/** What a network of bridges may be asked for beside what every driver knows. */
interface BridgeNetworkOptions {
  /** Of the bridge and its endpoints, in bytes; absent: 1500. */
  readonly mtu: number;
  /** Name of the bridge; absent: the driver chooses. */
  readonly interfaceName: string | undefined;
  /** What leaves the network has the host's address; otherwise the world has to know the way back. */
  readonly masquerade: boolean;
  /** Endpoints of the network do not reach each other, except by published ports. */
  readonly isolated: boolean;
}

const MTU = { default: 1500, min: 68, minIpv6: 1280, max: 65_535 } as const;

/** IFNAMSIZ without its NUL: include/uapi/linux/if.h */
const INTERFACE_NAME_MAX = 15;

/** Names of options, our own and docker's, to what they say. */
const NAMES: Readonly<Record<string, "mtu" | "interface" | "masquerade" | "icc">> = {
  mtu: "mtu",
  interface: "interface",
  masquerade: "masquerade",
  icc: "icc",
  "com.docker.network.driver.mtu": "mtu",
  "com.docker.network.bridge.name": "interface",
  "com.docker.network.bridge.enable_ip_masquerade": "masquerade",
  "com.docker.network.bridge.enable_icc": "icc",
};

/** @throws OrlopError `unsupported` for an option that is not known, `invalid` for a value that is none */
export function bridgeOptionsOf(options: Readonly<Record<string, string>>, network: string): BridgeNetworkOptions {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(options)) {
    const meaning = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (meaning === undefined) {
      const known = Object.keys(NAMES).slice(0, 4).join(", ");
      throw new OrlopError(
        "unsupported",
        `Cannot create network "${network}": driver bridge has no option "${name}"\nTry one of ${known}.`,
      );
    }
    found.set(meaning, value);
  }
  const cannot = (name: string, problem: string): OrlopError =>
    new OrlopError("invalid", `Cannot create network "${network}": option ${name} is "${found.get(name)}", ${problem}`);
  const flag = (name: string): boolean => {
    const value = found.get(name) ?? "true";
    if (value !== "true" && value !== "false") throw cannot(name, "and not true or false");
    return value === "true";
  };
  const mtu = Number(found.get("mtu") ?? MTU.default);
  if (!Number.isInteger(mtu) || mtu < MTU.min || mtu > MTU.max) {
    throw cannot("mtu", `and not a number from ${MTU.min} to ${MTU.max}`);
  }
  const interfaceName = found.get("interface");
  if (interfaceName !== undefined && !isInterfaceName(interfaceName)) throw cannot("interface", "no interface's name");
  return { mtu, interfaceName, masquerade: flag("masquerade"), isolated: !flag("icc") };
}

/** What the kernel takes for a name (dev_valid_name): no template either, which it would fill in. */
export function isInterfaceName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= INTERFACE_NAME_MAX &&
    /^[!-~]+$/.test(name) &&
    !/[/:%]/.test(name) &&
    !/^\.\.?$/.test(name)
  );
}
