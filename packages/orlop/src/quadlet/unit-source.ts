import { basename, dirname, isAbsolute, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type KeyRule, KINDS, type Kind } from "./key-rules.ts";
import { entriesOf, isTrue, lastEntry, refuseEntry, type UnitEntry, type UnitFile } from "./unit-file.ts";
import { splitWords } from "./unit-words.ts";

/** A unit file of a known kind, and how what it is about is called. */
export interface UnitSource {
  readonly unit: UnitFile;
  readonly kind: Kind;
  /** `web.service` */
  readonly service: string;
  /** Of the container, volume, ...; specifiers of systemd's may be in it. */
  readonly resource: string;
}

/** Undefined for a file that is none of quadlet's. */
export function kindOf(fileName: string): Kind | undefined {
  const at = fileName.lastIndexOf(".");
  const extension = fileName.slice(at + 1);
  return at > 0 && Object.hasOwn(KINDS, extension) ? (extension as Kind) : undefined;
}

/** @throws OrlopError `unsupported` for a key that is refused, or unknown */
export function unitSource(unit: UnitFile): UnitSource {
  const kind = kindOf(unit.name);
  if (kind === undefined) throw new OrlopError("internal", `Cannot read "${unit.name}": it is of no known kind`);
  const { section, suffix } = KINDS[kind];
  checkKeys(unit, kind);
  const name = basename(unit.name, `.${kind}`);
  const { value: called } = lastEntry(unit, section, "ServiceName") ?? {};
  const isTemplate = /@[^@]*$/.test(name);
  const service = called ?? (isTemplate ? name.replace("@", `${suffix}@`) : `${name}${suffix}`);
  return { unit, kind, service: `${service}.service`, resource: resourceOf(unit, kind, name, service) };
}

function resourceOf(unit: UnitFile, kind: Kind, name: string, service: string): string {
  const { section, nameKey } = KINDS[kind];
  const given = nameKey === undefined ? undefined : lastEntry(unit, section, nameKey)?.value;
  if (given !== undefined) return given;
  if (kind === "image") return lastEntry(unit, section, "Image")?.value ?? "";
  if (name.includes("@")) return "systemd-%p_%i";
  return `systemd-${kind === "container" ? service : name}`;
}

function checkKeys({ sections }: UnitFile, kind: Kind): void {
  const { section, keys } = KINDS[kind];
  const rules: Readonly<Record<string, KeyRule>> = keys;
  for (const entry of sections.get(section) ?? []) {
    const rule = Object.hasOwn(rules, entry.key) ? rules[entry.key] : undefined;
    if (rule === undefined) refuseEntry(entry, `there is no such key in [${section}]`);
    if (rule.refused !== undefined && entry.value !== "") refuseEntry(entry, rule.refused);
  }
  for (const entry of sections.get("Quadlet") ?? []) {
    if (entry.key !== "DefaultDependencies") refuseEntry(entry, "there is no such key in [Quadlet]");
  }
  for (const entry of sections.get("Service") ?? []) {
    if (["User", "Group", "DynamicUser"].includes(entry.key)) {
      refuseEntry(entry, "who runs it says the directory of the unit file");
    }
  }
}

/** The flags that keys of the unit become. */
export function flagsOf({ unit, kind }: UnitSource): readonly string[] {
  const { section, keys } = KINDS[kind];
  return Object.entries(keys as Readonly<Record<string, KeyRule>>).flatMap(([key, rule]) =>
    rule.flag === undefined ? [] : valuesOf(unit, section, key, rule).map((value) => flagWord(rule, value)),
  );
}

function flagWord({ flag, form }: KeyRule, value: string): string {
  return form === "switch" && value === "true" ? `--${flag}` : `--${flag}=${value}`;
}

function valuesOf(unit: UnitFile, section: string, key: string, rule: KeyRule): readonly string[] {
  const entries = entriesOf(unit, section, key);
  const counted = rule.form === "last" || rule.form === "switch" ? entries.slice(-1) : entries;
  return counted.flatMap((entry) => {
    if (rule.form === "switch") return [String(isTrue(entry))];
    const values = rule.form === "words" ? splitWords(entry) : [entry.value];
    const isPath = (value: string): boolean => rule.isPath === true && value !== rule.word;
    return values.map((value) => `${rule.prefix ?? ""}${isPath(value) ? pathFrom(unit, value) : value}`);
  });
}

/** From the directory of the unit file, unless it begins with a specifier of systemd's. */
export function pathFrom({ path }: UnitFile, text: string): string {
  return isAbsolute(text) || text.startsWith("%") ? text : join(dirname(path), text);
}

/** What `PodmanArgs=` adds. */
export function furtherWords({ unit, kind }: UnitSource): readonly string[] {
  return entriesOf(unit, KINDS[kind].section, "PodmanArgs").flatMap(splitWords);
}

/** The one value of a key. */
export function oneValue({ unit, kind }: UnitSource, key: string): UnitEntry | undefined {
  return lastEntry(unit, KINDS[kind].section, key);
}

/** @throws OrlopError `invalid` */
export function requiredValue(source: UnitSource, key: string): UnitEntry {
  const found = oneValue(source, key);
  if (found !== undefined) return found;
  const { section } = KINDS[source.kind];
  throw new OrlopError("invalid", `Cannot use unit file "${source.unit.path}": it has no ${key}= in [${section}]`);
}
