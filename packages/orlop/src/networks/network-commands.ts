import { OrlopError, parseName } from "@orlop/core";
import type { Command } from "../command.ts";
import { containerCommand, withEach } from "../containers/container-verb.ts";
import { printText } from "../print.ts";
import { parseLabels } from "../run/label-flags.ts";

export const networkCreateCommand: Command = containerCommand(
  {
    name: "create",
    usage: "[OPTIONS] NETWORK",
    description:
      "Makes a network of this machine, and prints its id. Containers on it reach each other by their names, and the world " +
      "unless it is internal; those of other networks are kept apart.",
    examples: [
      ["orlop network create app", "orlop run -d --network app --name db ..."],
      ["orlop network create --internal --subnet 10.9.0.0/24 vault", "nothing leads out of it"],
    ],
    table: {
      flags: [
        { name: "driver", short: "d", value: "DRIVER", help: "Who makes it: bridge (bridge)" },
        { name: "ignore", help: "One that is there already is left as it is" },
        { name: "gateway", value: "ADDRESS", help: "Address of this machine's side, within the subnet" },
        { name: "internal", help: "No way out, and none in" },
        { name: "ip-range", value: "PREFIX", help: "Part of the subnet that addresses are taken from" },
        { name: "ipv6", help: "Addresses of IPv6, too" },
        { name: "label", value: "KEY[=VALUE]", help: "Note something with the network" },
        { name: "opt", short: "o", value: "NAME=VALUE", help: "Option of the driver, by docker's names or ours" },
        { name: "subnet", value: "PREFIX", help: "Addresses of the network; one of IPv4 and one of IPv6 at most" },
      ],
      refused: [
        { name: "disable-dns", isSwitch: true, reason: "containers of a network know each other by name" },
        { name: "attachable", isSwitch: true, reason: "it is about a swarm" },
        { name: "aux-address", reason: "keep addresses free with --ip-range" },
        { name: "config-from", reason: "it is about a swarm" },
        { name: "config-only", isSwitch: true, reason: "it is about a swarm" },
        { name: "ingress", isSwitch: true, reason: "it is about a swarm" },
        { name: "ipam-driver", reason: "the driver of the network gives addresses" },
        { name: "ipam-opt", reason: "the driver of the network gives addresses" },
        { name: "ipv4", isSwitch: true, reason: "a network has IPv4, or only what its subnets say" },
        { name: "scope", reason: "networks are this machine's" },
      ],
      flagsAnywhere: true,
    },
  },
  async ({ flags, networks }) => {
    const [name, ...others] = flags.positional;
    if (name === undefined || others.length > 0) {
      throw new OrlopError("invalid", `one name is taken, and there are ${flags.positional.length}`);
    }
    const driver = await networks();
    const wanted = flags.text("driver") ?? driver.name;
    if (wanted !== driver.name) {
      throw new OrlopError(
        "unsupported",
        `Cannot use network driver ${JSON.stringify(wanted)}: there is ${driver.name}`,
      );
    }
    if (flags.isOn("ignore")) {
      const known = (await driver.list()).find((each) => each.name === name);
      if (known !== undefined) {
        printText(`${known.id}\n`);
        return 0;
      }
    }
    const { id } = await driver.create({
      name: parseName(name),
      labels: parseLabels(flags.list("label")),
      internal: flags.isOn("internal"),
      ...(flags.isOn("ipv6") ? { ipv6: true } : {}),
      ...subnets(flags.list("subnet"), flags.list("gateway"), flags.list("ip-range")),
      options: Object.fromEntries(flags.parseAll("opt", parseOption)),
    });
    printText(`${id}\n`);
    return 0;
  },
);

/** Gateways and ranges belong to the subnet of their family. */
function subnets(
  prefixes: readonly string[],
  gateways: readonly string[],
  ranges: readonly string[],
): { readonly subnets?: readonly { readonly prefix: string; readonly gateway?: string; readonly range?: string }[] } {
  const isOfSix = (text: string): boolean => text.includes(":");
  const stray = [...gateways, ...ranges].find((text) => !prefixes.some((prefix) => isOfSix(prefix) === isOfSix(text)));
  if (stray !== undefined) {
    throw new OrlopError("invalid", `Cannot use ${JSON.stringify(stray)}: there is no --subnet that it belongs to`);
  }
  if (prefixes.length === 0) return {};
  return {
    subnets: prefixes.map((prefix) => {
      const gateway = gateways.find((each) => isOfSix(each) === isOfSix(prefix));
      const range = ranges.find((each) => isOfSix(each) === isOfSix(prefix));
      return { prefix, ...(gateway === undefined ? {} : { gateway }), ...(range === undefined ? {} : { range }) };
    }),
  };
}

function parseOption(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new OrlopError("invalid", "it is NAME=VALUE");
}

export const networkRemoveCommand: Command = containerCommand(
  {
    name: "rm",
    usage: "NETWORK [NETWORK...]",
    description: "Removes networks that no container is on.",
    examples: [["orlop network rm app", "its name and addresses are free again"]],
    table: {
      flags: [{ name: "force", short: "f", help: "What is not there need not be removed" }],
      refused: [{ name: "time", short: "t", reason: "containers on it are not removed with it" }],
      flagsAnywhere: true,
    },
  },
  async ({ flags, networks }) => {
    const driver = await networks();
    const isForced = flags.isOn("force");
    return await withEach(flags.positional, async (name) => {
      if (!isForced) await driver.inspect(name);
      await driver.remove(name);
      return undefined;
    });
  },
);

export const networkConnectCommand: Command = containerCommand(
  {
    name: "connect",
    usage: "[OPTIONS] NETWORK CONTAINER",
    description: "Connects a container with one more network; one that runs has it at once.",
    examples: [["orlop network connect --alias cache app box", "the others on app know box as cache, too"]],
    table: {
      flags: [
        { name: "alias", value: "NAME", help: "One more name on the network" },
        { name: "ip", value: "ADDRESS", help: "IPv4 address on the network" },
        { name: "ip6", value: "ADDRESS", help: "IPv6 address on the network" },
        { name: "mac-address", value: "ADDRESS", help: "Hardware address on the network" },
      ],
      refused: [
        { name: "driver-opt", reason: "the drivers have no options for single containers" },
        { name: "gw-priority", reason: "the first network has the way out" },
        { name: "link", reason: "containers of a network know each other by name" },
        { name: "link-local-ip", reason: "the kernel gives those" },
      ],
      flagsAnywhere: true,
    },
  },
  async ({ flags, engine }) => {
    const [network, container] = twoWords(flags.positional);
    const addresses = [...flags.list("ip").slice(-1), ...flags.list("ip6").slice(-1)];
    const hardwareAddress = flags.text("mac-address");
    await engine.connect(container, {
      network,
      aliases: flags.list("alias"),
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
    });
    return 0;
  },
);

export const networkDisconnectCommand: Command = containerCommand(
  {
    name: "disconnect",
    usage: "NETWORK CONTAINER",
    description: "Takes a container off a network; one that runs loses it at once.",
    examples: [["orlop network disconnect app box", "box goes on without it"]],
    table: {
      flags: [],
      refused: [{ name: "force", short: "f", isSwitch: true, reason: "a container that is gone is on no network" }],
      flagsAnywhere: true,
    },
  },
  async ({ flags, engine }) => {
    const [network, container] = twoWords(flags.positional);
    await engine.disconnect(container, network);
    return 0;
  },
);

function twoWords(words: readonly string[]): readonly [network: string, container: string] {
  const [network, container, ...others] = words;
  if (network !== undefined && container !== undefined && others.length === 0) return [network, container];
  throw new OrlopError("invalid", `a network and a container are taken, and there are ${words.length} words`);
}
