import { KINDS } from "./key-rules.ts";
import { commandLine, type ServiceBody, type ServiceLine, type ServiceSurroundings } from "./service-unit.ts";
import { entriesOf, isTrue, refuseEntry, type UnitEntry } from "./unit-file.ts";
import type { UnitLinks } from "./unit-links.ts";
import { flagsOf, furtherWords, oneValue, pathFrom, requiredValue, type UnitSource } from "./unit-source.ts";
import { splitWords } from "./unit-words.ts";

/** Systemd waits so much longer than the container is given to end. */
const STOP_MARGIN_SECONDS = 60;
const STOP_SECONDS = 10;

/** A service whose main process is the command that stays with the container, whose exit code is the container's. */
export function containerBody(source: UnitSource, links: UnitLinks, around: ServiceSurroundings): ServiceBody {
  const { resource: name } = source;
  const run = [
    ...["run", "--rm", "--name", name],
    ...flagsOf(source),
    ...specialFlags(source, links),
    ...furtherWords(source),
    ...["--", imageOf(source, links)],
    ...entriesOf(source.unit, "Container", "Exec").slice(-1).flatMap(splitWords),
  ];
  const seconds = Number(oneValue(source, "StopTimeout")?.value ?? STOP_SECONDS);
  const pod = oneValue(source, "Pod");
  return {
    unit: pod === undefined ? [] : podLines(pod, links),
    defaults: [
      ["Type", "exec"],
      ...(Number.isInteger(seconds) && seconds >= 0
        ? [["TimeoutStopSec", String(seconds + STOP_MARGIN_SECONDS)] as const]
        : []),
      ["SyslogIdentifier", "%N"],
    ],
    service: [
      ["ExecStartPre", `-${commandLine(around, ["rm", "--force", "--ignore", name])}`],
      ["ExecStart", commandLine(around, run)],
      ["ExecStop", commandLine(around, ["stop", name])],
      ["ExecStopPost", `-${commandLine(around, ["rm", "--force", "--ignore", name])}`],
      ...reloadLines(source, around),
      // What else is in the unit's cgroup looks after other containers, too.
      ["KillMode", "process"],
    ],
  };
}

function imageOf(source: UnitSource, links: UnitLinks): string {
  const rootfs = oneValue(source, "Rootfs");
  const image = rootfs === undefined ? requiredValue(source, "Image") : oneValue(source, "Image");
  if (rootfs !== undefined) {
    if (image !== undefined) refuseEntry(image, "there is a Rootfs=, too");
    return `dir:${pathFrom(source.unit, rootfs.value)}:rw`;
  }
  const { value = "" } = image ?? {};
  if (image !== undefined && value.endsWith(".build")) refuseEntry(image, "images are not built here");
  return image !== undefined && value.endsWith(".image") ? links.resource(value, image) : value;
}

/** Keys that take a look at the others. */
function specialFlags(source: UnitSource, links: UnitLinks): readonly string[] {
  const { unit } = source;
  const { section } = KINDS.container;
  const user = oneValue(source, "User")?.value;
  const group = oneValue(source, "Group");
  if (group !== undefined && user === undefined) refuseEntry(group, "it is for User=");
  const privileges = oneValue(source, "NoNewPrivileges");
  const pod = oneValue(source, "Pod");
  if (pod !== undefined && !pod.value.endsWith(".pod")) refuseEntry(pod, "it is NAME.pod");
  return [
    ...(user === undefined ? [] : [`--user=${user}${group === undefined ? "" : `:${group.value}`}`]),
    ...(privileges !== undefined && isTrue(privileges) ? ["--security-opt=no-new-privileges"] : []),
    ...entriesOf(unit, section, "Volume").map((entry) => `--volume=${volumeOf(source, entry, links)}`),
    ...networkFlags(source, links),
    ...(pod === undefined ? [] : [`--pod=${links.resource(pod.value, pod)}`]),
  ];
}

function volumeOf({ unit }: UnitSource, entry: UnitEntry, links: UnitLinks): string {
  const [from = "", ...rest] = entry.value.split(":");
  if (rest.length === 0) return from;
  const isRelative = from.startsWith("./") || from.startsWith("../") || from === ".";
  const source = from.endsWith(".volume") ? links.resource(from, entry) : isRelative ? pathFrom(unit, from) : from;
  return [source, ...rest].join(":");
}

/** Also of a pod and of documents. */
export function networkFlags({ unit, kind }: UnitSource, links: UnitLinks): readonly string[] {
  return entriesOf(unit, KINDS[kind].section, "Network").map((entry) => {
    const [name = "", ...rest] = entry.value.split(":");
    const isContainer = name.endsWith(".container");
    const known = isContainer || name.endsWith(".network") ? links.resource(name, entry) : name;
    return `--network=${[...(isContainer ? ["container"] : []), known, ...rest].join(":")}`;
  });
}

function podLines(pod: UnitEntry, links: UnitLinks): readonly ServiceLine[] {
  return [["BindsTo", links.services(pod)]];
}

function reloadLines(source: UnitSource, around: ServiceSurroundings): readonly ServiceLine[] {
  const command = oneValue(source, "ReloadCmd");
  const signal = oneValue(source, "ReloadSignal");
  if (command !== undefined && signal !== undefined) refuseEntry(signal, "there is a ReloadCmd=, too");
  const { resource: name } = source;
  if (command !== undefined) {
    return [["ExecReload", commandLine(around, ["exec", name, ...splitWords(command)])]];
  }
  if (signal !== undefined) return [["ExecReload", commandLine(around, ["kill", "--signal", signal.value, name])]];
  return [];
}
