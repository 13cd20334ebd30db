import { OrlopError } from "@orlop/core";
import type { FoundUnit } from "./find-unit-files.ts";
import { SERVICE_BODIES } from "./service-bodies.ts";
import { type ServiceSurroundings, serviceText } from "./service-unit.ts";
import { lastEntry } from "./unit-file.ts";
import { UnitLinks } from "./unit-links.ts";
import { type UnitSource, unitSource } from "./unit-source.ts";

/** A service of a unit file. */
export interface MadeService {
  readonly source: UnitSource;
  /** `web.service` */
  readonly name: string;
  readonly text: string;
  /** Of a template: the instance that is enabled. */
  readonly instance?: string;
}

export interface MadeServices {
  readonly services: readonly MadeService[];
  /** What is wrong with the unit files of which there is none. */
  readonly problems: readonly string[];
}

/** Makes the services of unit files. One that cannot be used keeps none of the others back, but for those that need it. */
export function makeServices(found: readonly FoundUnit[], around: ServiceSurroundings): MadeServices {
  const problems: string[] = [];
  const tried = <T>(work: () => T): readonly T[] => {
    try {
      return [work()];
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      problems.push(error.message);
      return [];
    }
  };
  const sources = found.flatMap((each) =>
    tried(() => {
      if (!("error" in each)) return unitSource(each);
      throw each.error instanceof OrlopError
        ? each.error
        : new OrlopError("failed", `Cannot read unit file "${each.name}": ${(each.error as Error).message}`);
    }),
  );
  const all = new Map(sources.map((source) => [source.unit.name, source]));
  const services = sources.flatMap((source) => tried(() => makeService(source, all, around)));
  return { services, problems };
}

function makeService(
  source: UnitSource,
  all: ReadonlyMap<string, UnitSource>,
  around: ServiceSurroundings,
): MadeService {
  const links = new UnitLinks(all);
  const body = SERVICE_BODIES[source.kind](source, links, around);
  const name = source.service;
  const instance = lastEntry(source.unit, "Install", "DefaultInstance")?.value;
  return {
    source,
    name,
    text: serviceText(source, body, links, around),
    ...(instance === undefined ? {} : { instance: name.replace(/@\.service$/, `@${instance}.service`) }),
  };
}
