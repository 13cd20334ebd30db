import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand, oneContainer } from "../containers/container-verb.ts";
import { printText } from "../print.ts";
import { parseSeconds } from "../run/life-options.ts";
import { packageDirectory } from "../version/package-directory.ts";
import { bootUnit, containerUnit, UNIT_RESTARTS, type UnitOptions, unitName } from "./container-unit.ts";

const BOOT_UNIT = "orlop-restart.service";

const edited = "add the line to the unit, with systemctl edit";

export const generateSystemdCommand: Command = containerCommand(
  {
    name: "systemd",
    usage: "[OPTIONS] CONTAINER",
    description:
      "Prints a unit of systemd's that runs a container: it starts and stops with the unit, its output goes to the journal, and " +
      "systemd starts it again. An ordinary user's units belong into ~/.config/systemd/user, root's into /etc/systemd/system.\n\n" +
      "With --boot, instead: the unit that starts containers again after the machine was switched off, those whose restart " +
      "policy is always, and those of unless-stopped that nobody has stopped.",
    examples: [
      ["orlop generate systemd --new --files --name web", "container-web.service, which makes the container each time"],
      [
        "orlop generate systemd --boot > /etc/systemd/system/orlop-restart.service",
        "then systemctl enable orlop-restart",
      ],
    ],
    table: {
      flags: [
        { name: "boot", help: "The unit that starts containers after a start of the machine" },
        { name: "new", help: "Make the container with each start of the unit, and remove it with its end" },
        { name: "files", short: "f", help: "Write it to a file in this directory, and print the path" },
        { name: "name", short: "n", help: "Call the container by its name, not by its id" },
        { name: "restart-policy", value: UNIT_RESTARTS.join("|"), help: "When systemd starts it again (on-failure)" },
        { name: "restart-sec", value: "SECONDS", help: "How long systemd waits before that" },
        {
          name: "stop-timeout",
          short: "t",
          aliases: ["time"],
          value: "SECONDS",
          help: "How long a stop waits before it kills (what the container says)",
        },
        { name: "container-prefix", value: "TEXT", help: "What the name of the unit begins with (container)" },
      ],
      refused: [
        { name: "template", isSwitch: true, reason: "a unit is about one container" },
        { name: "pod-prefix", reason: "a unit is about one container" },
        { name: "format", reason: "it is printed as systemd reads it" },
        ...["after", "requires", "wants", "start-timeout"].map((name) => ({ name, reason: edited })),
        { name: "env", short: "e", reason: edited },
        { name: "no-header", isSwitch: true, reason: "the header says how the unit was made" },
        { name: "separator", reason: "it is a hyphen; choose what stands before it with --container-prefix" },
      ],
      flagsAnywhere: true,
    },
  },
  generate,
);

async function generate({ engine, flags, machine }: ContainerCall): Promise<number> {
  const common = {
    program: resolve(packageDirectory(), "bin/orlop"),
    environment: unitEnvironment(machine.env),
    isOfUser: machine.rootless,
  };
  const put = (name: string, text: string): number => {
    const path = resolve(machine.cwd, name);
    if (flags.isOn("files")) writeFileSync(path, text);
    printText(flags.isOn("files") ? `${path}\n` : text);
    return 0;
  };
  if (flags.isOn("boot")) {
    if (flags.positional.length > 0) throw new OrlopError("invalid", "with --boot no container is taken");
    return put(BOOT_UNIT, bootUnit(common));
  }
  const found = await engine.find(oneContainer(flags));
  const isNew = flags.isOn("new");
  refuseUnfit(found, isNew);
  const prefix = flags.text("container-prefix") ?? "container";
  const called = (container: Container): Container => ({
    ...container,
    name: flags.isOn("name") || isNew ? container.name : container.id,
  });
  const required = await Promise.all((found.requires ?? []).map((id) => engine.find(id)));
  const restartSeconds = flags.parse("restart-sec", parseSeconds);
  const options: UnitOptions = {
    ...common,
    restart: flags.parse("restart-policy", parseRestart) ?? "on-failure",
    ...(restartSeconds === undefined ? {} : { restartSeconds: restartSeconds / 1000 }),
    stopTimeoutMs: flags.parse("stop-timeout", parseSeconds) ?? found.stopTimeoutMs,
    isNew,
    prefix,
    requires: required.map((each) => unitName(called(each), prefix)),
  };
  const container = called(found);
  return put(unitName(container, prefix), containerUnit(container, options));
}

/** Where images and containers are, which the unit has to know as well. */
export function unitEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const names = ["ORLOP_ROOT", "ORLOP_SNAPSHOTTER", "XDG_DATA_HOME"];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function refuseUnfit({ name, isTransient, autoRemove, commandLine }: Container, isNew: boolean): void {
  const what =
    isTransient === true || (autoRemove && !isNew)
      ? "it is gone when it has ended"
      : isNew && commandLine === undefined
        ? "nobody has noted what it was made with"
        : undefined;
  if (what === undefined) return;
  throw new OrlopError("conflict", `Cannot write unit of container "${name}": ${what}`);
}

function parseRestart(text: string): string {
  if (UNIT_RESTARTS.includes(text)) return text;
  throw new OrlopError("invalid", `there are ${UNIT_RESTARTS.join(", ")}`);
}
