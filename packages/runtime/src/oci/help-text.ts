import type { Flag } from "./arguments/flag.ts";
import { HELP } from "./arguments/parse-arguments.ts";
import type { Call } from "./call.ts";
import { defaultRoot, GLOBAL_FLAGS } from "./global-options.ts";
import type { Verb } from "./verb.ts";
import { VERBS } from "./verb-table.ts";

/** The sections of runc's help, which its users know; what callers look for is `NAME:` and the name below it. */
export function overallHelp({ name: command, env }: Pick<Call, "name" | "env">): string {
  const width = Math.max(...VERBS.map(({ name }) => name.length)) + 2;
  return [
    "NAME:",
    `   ${command} - Open Container Initiative runtime`,
    "",
    "Makes containers from bundles: directories with a config.json, which says what the container is,",
    "and the container's root file system. Takes the place of runc and crun under podman, containerd,",
    "docker, CRI-O and buildah.",
    "",
    "USAGE:",
    `   ${command} [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS...]`,
    "",
    "COMMANDS:",
    ...VERBS.map(({ name, summary }) => `   ${name.padEnd(width)}${summary}`),
    "",
    "GLOBAL OPTIONS:",
    ...flagRows(GLOBAL_FLAGS),
    "",
    `State is kept in ${defaultRoot({ env })} unless --root says otherwise.`,
    "",
    "EXAMPLE:",
    "   mkdir -p bundle/rootfs/bin && cp /bin/busybox bundle/rootfs/bin/sh",
    `   ${command} spec --bundle bundle`,
    `   ${command} run --bundle bundle first`,
    "",
    `Run '${command} COMMAND --help' for more about a command.`,
    "",
  ].join("\n");
}

/** Everything there is to say about one verb. */
export function verbHelp({ name: command }: Pick<Call, "name">, verb: Verb, summary: string): string {
  return [
    "NAME:",
    `   ${command} ${verb.name} - ${summary}`,
    "",
    "USAGE:",
    `   ${command} ${verb.name} ${verb.usage === "" ? "[OPTIONS]" : `[OPTIONS] ${verb.usage}`}`,
    "",
    "DESCRIPTION:",
    ...verb.description.split("\n").map((line) => (line === "" ? "" : `   ${line}`)),
    "",
    "OPTIONS:",
    ...flagRows(verb.flags),
    "",
  ].join("\n");
}

function flagRows(flags: readonly Flag[]): readonly string[] {
  const shown = [...flags.filter(({ hidden }) => hidden !== true), HELP];
  const width = Math.max(...shown.map((flag) => flagTitle(flag).length)) + 2;
  return shown.map((flag) => `   ${flagTitle(flag).padEnd(width)}${flag.help}`);
}

function flagTitle({ name, short, value }: Flag): string {
  const valued = value === undefined ? "" : ` ${value}`;
  return short === undefined ? `--${name}${valued}` : `--${name}${valued}, -${short}${valued}`;
}
