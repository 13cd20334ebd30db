import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { parseExposedPort } from "../run/port-flag.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { publishedPorts } from "./ports-text.ts";

export const portCommand: Command = containerCommand(
  {
    name: "port",
    usage: "CONTAINER [PORT[/PROTOCOL]]",
    description: "Prints which ports of this machine lead to a container that runs, or to one port of it.",
    examples: [["orlop port web 80", "127.0.0.1:8080"]],
    table: { flags: [], flagsAnywhere: true },
  },
  showPorts,
);

async function showPorts({ engine, flags }: ContainerCall): Promise<number> {
  const [text, portText, ...others] = flags.positional;
  if (text === undefined || others.length > 0) {
    throw new OrlopError(
      "invalid",
      `a container and at most a port are taken, and there are ${flags.positional.length}`,
    );
  }
  const container = await engine.find(text);
  const all = publishedPorts(container).flatMap((port) =>
    Array.from({ length: port.count }, (_, index) => ({
      inside: `${port.containerPort + index}/${port.protocol}`,
      outside: `${port.hostAddress.includes(":") ? `[${port.hostAddress}]` : port.hostAddress}:${port.hostPort + index}`,
    })),
  );
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
