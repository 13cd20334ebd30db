import { isTrue, lastEntry, type UnitEntry, type UnitFile } from "./unit-file.ts";
import type { UnitLinks } from "./unit-links.ts";
import type { UnitSource } from "./unit-source.ts";
import { commandWord } from "./unit-words.ts";

/** What all services have in common. */
export interface ServiceSurroundings {
  /** Path of the program orlop. */
  readonly program: string;
  /** Variables that say where containers are. */
  readonly environment: Readonly<Record<string, string>>;
  /** The user's own manager runs them, which knows nothing of networks. */
  readonly isOfUser: boolean;
}

/** `[KEY, VALUE]` */
export type ServiceLine = readonly [key: string, value: string];

/** What a kind of unit does. */
export interface ServiceBody {
  readonly unit?: readonly ServiceLine[];
  /** What stands there only where the unit file says nothing of that key. */
  readonly defaults: readonly ServiceLine[];
  readonly service: readonly ServiceLine[];
}

/** The first line of all that is written; who finds it may remove the file. */
export const WRITTEN_MARK = "# written by orlop quadlet";

/** A line that calls orlop. */
export function commandLine({ program }: ServiceSurroundings, words: readonly string[]): string {
  return [program, ...words].map(commandWord).join(" ");
}

/** Keys of [Unit] that name other units. */
const DEPENDENCIES: ReadonlySet<string> = new Set([
  ...["After", "Before", "BindsTo", "Conflicts", "OnFailure", "OnSuccess", "PartOf", "PropagatesReloadTo", "Upholds"],
  ...["PropagatesStopTo", "ReloadPropagatedFrom", "Requires", "Requisite", "StopPropagatedFrom", "Wants"],
]);

/** The text of the service: what the unit file says for systemd, and what orlop is called with. */
export function serviceText(
  { unit }: UnitSource,
  { defaults, service, unit: head = [] }: ServiceBody,
  links: UnitLinks,
  around: ServiceSurroundings,
): string {
  const own = (section: string): readonly UnitEntry[] => unit.sections.get(section) ?? [];
  const given = own("Service");
  const missing = defaults.filter(([key]) => !given.some((entry) => entry.key === key));
  const unitLines = [
    ...networkLines(unit, around),
    ...own("Unit").map((entry) => {
      const { key, value } = entry;
      return [key, DEPENDENCIES.has(key) ? links.services(entry) : value] as const;
    }),
    ["SourcePath", unit.path] as const,
    ...head,
    ...links.needed.flatMap((name) => [["Requires", name] as const, ["After", name] as const]),
  ];
  const environment = Object.entries(around.environment).map(([name, value]) => commandWord(`${name}=${value}`));
  const serviceLines = [
    ...missing,
    ...given.map(({ key, value }) => [key, value] as const),
    ...environment.map((value) => ["Environment", value] as const),
    ...service,
  ];
  const others = [...unit.sections.keys()].filter((name) => !OUR_SECTIONS.has(name));
  return [
    `${WRITTEN_MARK} from ${unit.path}`,
    ...section("Unit", unitLines),
    ...section("Service", serviceLines),
    ...others.flatMap((name) =>
      section(
        name,
        own(name).map(({ key, value }) => [key, value] as const),
      ),
    ),
    "",
  ].join("\n");
}

const OUR_SECTIONS: ReadonlySet<string> = new Set([
  ...["Unit", "Service", "Quadlet"],
  ...["Container", "Pod", "Volume", "Network", "Image", "Kube"],
]);

function section(name: string, lines: readonly ServiceLine[]): readonly string[] {
  return ["", `[${name}]`, ...lines.map(([key, value]) => `${key}=${value}`)];
}

/** An image may have to come over the network. */
function networkLines(unit: UnitFile, { isOfUser }: ServiceSurroundings): readonly ServiceLine[] {
  const wanted = lastEntry(unit, "Quadlet", "DefaultDependencies");
  if (isOfUser || (wanted !== undefined && !isTrue(wanted))) return [];
  return [
    ["Wants", "network-online.target"],
    ["After", "network-online.target"],
  ];
}
