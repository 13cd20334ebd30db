import { OrlopError, shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { parseExposedPort } from "../run/port-flag.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { firstContainer, LATEST } from "./latest-container.ts";
import { publishedPorts } from "./ports-text.ts";

export const portCommand: Command = containerCommand(
  {
    name: "port",
    usage: "[OPTIONS] [CONTAINER] [PORT[/PROTOCOL]]",
    description: "Prints which ports of this machine lead to a container that runs, or to one port of it.",
    examples: [
      ["orlop port web 80", "127.0.0.1:8080"],
      ["orlop port -a", "of all that run, each line behind the id of its container"],
    ],
    table: {
      flags: [{ name: "all", short: "a", help: "Those of all containers that run" }, LATEST],
      flagsAnywhere: true,
    },
  },
  showPorts,
);

async function showPorts(call: ContainerCall): Promise<number> {
  const { engine, flags } = call;
  if (flags.isOn("all")) {
    if (flags.positional.length > 0 || flags.isOn("latest")) {
      throw new OrlopError("invalid", "either the ports of all containers are told, or those of one that is named");
    }
    for (const container of await engine.list({ isActive: true })) {
      const lines = insideAndOutside(container);
      printText(lines.map(({ inside, outside }) => `${shortId(container.id)}\t${inside} -> ${outside}\n`).join(""));
    }
    return 0;
  }
  const wordsMax = flags.isOn("latest") ? 1 : 2;
  if (flags.positional.length > wordsMax || (flags.positional.length === 0 && wordsMax === 2)) {
    throw new OrlopError(
      "invalid",
      `a container and at most a port are taken, and there are ${flags.positional.length}`,
    );
  }
  const { container, words } = await firstContainer(call);
  const [portText] = words;
  const all = insideAndOutside(container);
  if (portText === undefined) {
    printText(all.map(({ inside, outside }) => `${inside} -> ${outside}\n`).join(""));
    return 0;
  }
  const { containerPort, protocol } = parseExposedPort(portText);
  const wanted = `${containerPort}/${protocol}`;
  const found = all.filter(({ inside }) => inside === wanted);
  if (found.length === 0) {
    throw new OrlopError("not-found", `No public port '${portText}' published for ${container.name}`);
  }
  printText(found.map(({ outside }) => `${outside}\n`).join(""));
  return 0;
}

function insideAndOutside(container: Container): readonly { readonly inside: string; readonly outside: string }[] {
  return publishedPorts(container).flatMap((port) =>
    Array.from({ length: port.count }, (_, index) => ({
      inside: `${port.containerPort + index}/${port.protocol}`,
      outside: `${port.hostAddress.includes(":") ? `[${port.hostAddress}]` : port.hostAddress}:${port.hostPort + index}`,
    })),
  );
}
