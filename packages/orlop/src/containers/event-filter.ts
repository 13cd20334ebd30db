import { OrlopError } from "@orlop/core";
import type { EngineEvent } from "@orlop/engine";
import { hasLabel } from "../format/has-label.ts";

/** Docker's, of which nothing ever happens here. */
const OF_NOTHING = ["config", "daemon", "node", "plugin", "secret", "service"] as const;
const OF_SOMETHING = ["container", "event", "image", "label", "network", "pod", "scope", "type", "volume"] as const;
type FilterName = (typeof OF_SOMETHING | typeof OF_NOTHING)[number];
const FILTERS: readonly FilterName[] = [...OF_SOMETHING, ...OF_NOTHING];
type EventFilters = Readonly<Partial<Record<FilterName, readonly string[]>>>;

/** @throws OrlopError `invalid` */
export function parseEventFilters(texts: readonly string[]): EventFilters {
  const filters: Partial<Record<FilterName, readonly string[]>> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    const name = FILTERS.find((each) => each === text.slice(0, Math.max(equals, 0)).trim().toLowerCase());
    if (name === undefined) {
      const what = equals < 0 ? "it is not of the form name=value" : `there are ${FILTERS.join(", ")}`;
      throw new OrlopError("invalid", `Cannot use filter ${JSON.stringify(text)}: ${what}`);
    }
    filters[name] = [...(filters[name] ?? []), text.slice(equals + 1).trim()];
  }
  return filters;
}

/** Of one kind any of the conditions will do, but for labels, which are all needed. */
export function suitsEvent({ type, action, id, attributes }: EngineEvent, filters: EventFilters): boolean {
  const any = (values: readonly string[] | undefined, suits: (value: string) => boolean): boolean =>
    values?.some(suits) ?? true;
  const isOf = (what: EngineEvent["type"], value: string): boolean =>
    type === what && (attributes.name === value || (value !== "" && id.startsWith(value)));
  return (
    any(filters.type, (value) => type === value) &&
    any(filters.event, (value) => action === value || action.startsWith(`${value}: `)) &&
    any(filters.container, (value) => isOf("container", value)) &&
    any(filters.image, (value) => attributes.image === value || isOf("image", value)) &&
    any(filters.network, (value) => isOf("network", value)) &&
    any(filters.pod, (value) => isOf("pod", value)) &&
    any(filters.volume, (value) => isOf("volume", value)) &&
    any(filters.scope, (value) => value === "local") &&
    OF_NOTHING.every((name) => filters[name] === undefined) &&
    (filters.label ?? []).every((value) => hasLabel(attributes, value))
  );
}
