import { OrlopError, type PublishedPort } from "@orlop/core";
import { type Container, healthOf } from "@orlop/engine";
import { hasLabel } from "../format/has-label.ts";
import { parseExposedPort } from "../run/port-flag.ts";
import { networkNames } from "./network-names.ts";
import { publishedPorts } from "./ports-text.ts";

const FILTERS = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "restart-policy",
  "should-start-on-boot",
  "since",
  "status",
  "volume",
] as const;
type FilterName = (typeof FILTERS)[number];

/** Conditions of `--filter name=value`, by their names. */
type ContainerFilters = Readonly<Partial<Record<FilterName, readonly string[]>>>;

const HEALTHS = ["starting", "healthy", "unhealthy", "none"];
const STATUSES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

/** @throws OrlopError `invalid` */
export function parseContainerFilters(texts: readonly string[]): ContainerFilters {
  const filters: Partial<Record<FilterName, readonly string[]>> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) throw refused(text, "it is not of the form name=value");
    const given = text.slice(0, equals).trim().toLowerCase();
    const value = text.slice(equals + 1).trim();
    const name = FILTERS.find((each) => each === given);
    if (name === undefined) throw refused(text, `there are ${FILTERS.join(", ")}`);
    if (name === "status" && !STATUSES.includes(value)) throw refused(text, `statuses are ${STATUSES.join(", ")}`);
    if (name === "health" && !HEALTHS.includes(value)) throw refused(text, `there are ${HEALTHS.join(", ")}`);
    if (name === "should-start-on-boot" && value !== "true" && value !== "false") throw refused(text, "true or false");
    if (name === "is-task" && value !== "true" && value !== "false") throw refused(text, "true or false");
    if (name === "expose" || name === "publish") parseExposedPort(value);
    if (name === "exited" && !/^\d{1,3}$/.test(value)) throw refused(text, "an exit code is a number");
    filters[name] = [...(filters[name] ?? []), value];
  }
  return filters;
}

/**
 * The containers that suit all conditions; of one kind any of them will do, but for labels, which are all needed.
 *
 * @throws OrlopError `not-found` for a container to compare with
 */
export function filterContainers(all: readonly Container[], filters: ContainerFilters): readonly Container[] {
  if (Object.keys(filters).length === 0) return all;
  const made = (text: string): number => find(all, text).createdAtMs;
  const latest = filters.before?.map(made) ?? [];
  const earliest = filters.since?.map(made) ?? [];
  const any = (name: FilterName, suits: (value: string) => boolean): boolean => filters[name]?.some(suits) ?? true;
  return all.filter(
    (container) =>
      any("status", (value) => shownStatus(container) === value) &&
      any("exited", (value) => shownStatus(container) === "exited" && container.state.exitCode === Number(value)) &&
      any("health", (value) => (healthOf(container)?.status ?? "none") === value) &&
      any("should-start-on-boot", (value) => startsOnBoot(container) === (value === "true")) &&
      any("restart-policy", (value) => container.restart.name === value) &&
      any("name", (value) => matches(container.name, value)) &&
      any("id", (value) => container.id.startsWith(value)) &&
      any("network", (value) => networkNames(container.network).includes(value)) &&
      hasPort(container, filters) &&
      // There is no swarm whose tasks they could be.
      any("is-task", (value) => value === "false") &&
      any("volume", (value) => container.volumes.some((each) => each.name === value || each.destination === value)) &&
      any("ancestor", (value) => isOfImage(container, value)) &&
      (filters.label ?? []).every((value) => hasLabel(container.labels, value)) &&
      latest.every((time) => container.createdAtMs < time) &&
      earliest.every((time) => container.createdAtMs > time),
  );
}

/** Of those that are published; as docker has it, a port outside or one inside will do where both are asked for. */
function hasPort(container: Container, { publish = [], expose = [] }: ContainerFilters): boolean {
  if (publish.length === 0 && expose.length === 0) return true;
  const published = publishedPorts(container);
  const meets = (first: number, { protocol, count = 1 }: PublishedPort, text: string): boolean => {
    const wanted = parseExposedPort(text);
    const isApart = first >= wanted.containerPort + (wanted.count ?? 1) || wanted.containerPort >= first + count;
    return protocol === wanted.protocol && !isApart;
  };
  return (
    publish.some((text) => published.some((port) => meets(port.hostPort, port, text))) ||
    expose.some((text) => published.some((port) => meets(port.containerPort, port, text)))
  );
}

/** As podman has it. */
function startsOnBoot({ restart, state }: Container): boolean {
  return restart.name === "always" || (restart.name === "unless-stopped" && !state.isStoppedByUser);
}

function shownStatus({ state }: Container): string {
  return state.status === "starting" ? "created" : state.status;
}

/** Docker takes a regular expression here; what is none is taken as it is. */
function matches(name: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(name) || new RegExp(pattern).test(`/${name}`);
  } catch {
    return name.includes(pattern);
  }
}

function isOfImage({ image }: Container, wanted: string): boolean {
  const bare = wanted.replace(/^sha256:/, "");
  const isId = /^[0-9a-f]{4,64}$/.test(bare) && image.id?.slice("sha256:".length).startsWith(bare) === true;
  return isId || image.text === wanted || image.text === `${wanted}:latest` || `${image.text}:latest` === wanted;
}

function find(all: readonly Container[], text: string): Container {
  const found = all.find(({ id, name }) => name === text || (text !== "" && id.startsWith(text)));
  if (found !== undefined) return found;
  throw new OrlopError("not-found", `No such container: ${text}`);
}

function refused(text: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use filter ${JSON.stringify(text)}: ${problem}`);
}
