import { containerBody, networkFlags } from "./container-body.ts";
import type { Kind } from "./key-rules.ts";
import { commandLine, type ServiceBody, type ServiceLine, type ServiceSurroundings } from "./service-unit.ts";
import { isTrue } from "./unit-file.ts";
import type { UnitLinks } from "./unit-links.ts";
import { flagsOf, furtherWords, oneValue, pathFrom, requiredValue, type UnitSource } from "./unit-source.ts";

type Body = (source: UnitSource, links: UnitLinks, around: ServiceSurroundings) => ServiceBody;

/** What a unit of each kind does. */
export const SERVICE_BODIES: Readonly<Record<Kind, Body>> = {
  container: containerBody,
  pod(source, links, around) {
    const { resource: name, unit } = source;
    const create = ["pod", "create", "--replace", ...flagsOf(source), ...networkFlags(source, links)];
    const members = links.members(unit.name).map(({ service }) => service);
    return {
      unit: members.flatMap((service) => [["Wants", service] as const, ["Before", service] as const]),
      ...once(
        around,
        [...create, ...furtherWords(source), name],
        [
          ["ExecStop", commandLine(around, ["pod", "stop", name])],
          ["ExecStopPost", `-${commandLine(around, ["pod", "rm", "--force", name])}`],
        ],
      ),
    };
  },
  volume: (source, _, around) =>
    once(around, ["volume", "create", ...flagsOf(source), ...furtherWords(source), source.resource]),
  network(source, _, around) {
    const { resource: name } = source;
    const goes = oneValue(source, "NetworkDeleteOnStop");
    const remove: readonly ServiceLine[] =
      goes !== undefined && isTrue(goes) ? [["ExecStopPost", commandLine(around, ["network", "rm", name])]] : [];
    const create = ["network", "create", "--ignore", ...flagsOf(source), ...furtherWords(source), name];
    return once(around, create, remove);
  },
  image(source, _, around) {
    const { value: image } = requiredValue(source, "Image");
    const platform = platformOf(source);
    return once(around, ["pull", "--quiet", ...flagsOf(source), ...platform, ...furtherWords(source), image]);
  },
  kube(source, links, around) {
    const file = pathFrom(source.unit, requiredValue(source, "Yaml").value);
    const play = ["play", "kube", "--replace", ...flagsOf(source), ...networkFlags(source, links)];
    return once(
      around,
      [...play, ...furtherWords(source), file],
      [["ExecStopPost", commandLine(around, ["kube", "down", file])]],
    );
  },
};

/** A service that is up when its command has ended well. What it leaves running is in no cgroup of the service's. */
function once(
  around: ServiceSurroundings,
  words: readonly string[],
  after: readonly ServiceLine[] = [],
): Pick<ServiceBody, "defaults" | "service"> {
  return {
    defaults: [
      ["Type", "oneshot"],
      ["RemainAfterExit", "yes"],
      ["SyslogIdentifier", "%N"],
    ],
    service: [["ExecStart", commandLine(around, words)], ...after, ["KillMode", "process"]],
  };
}

function platformOf(source: UnitSource): readonly string[] {
  const [os, architecture, variant] = ["OS", "Arch", "Variant"].map((key) => oneValue(source, key)?.value);
  if (os === undefined && architecture === undefined && variant === undefined) return [];
  const own = process.arch === "x64" ? "amd64" : process.arch;
  return [`--platform=${[os ?? "linux", architecture ?? own, ...(variant === undefined ? [] : [variant])].join("/")}`];
}
