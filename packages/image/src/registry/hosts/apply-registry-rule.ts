import { OrlopError, parseReference, type Reference } from "@orlop/core";
import type { RegistriesConf, RegistryRule } from "./registries-conf.ts";

/** Where a repository is, by `registries.conf`. */
export interface RulePlace {
  readonly registry: string;
  readonly repository: string;
  readonly insecure: boolean;
  readonly isMirror: boolean;
}

/**
 * The places of a repository in the order in which they are asked: its mirrors, and, last, the registry itself, which
 * may have another name.
 *
 * @throws OrlopError `denied` for what is blocked
 */
export function placesOf(conf: RegistriesConf, reference: Omit<Reference, "tag">): readonly RulePlace[] {
  const { registry, repository, digest } = reference;
  const name = `${registry}/${repository}`;
  const rule = findRule(conf, registry, name);
  if (rule === undefined) return [{ registry, repository, insecure: false, isMirror: false }];
  if (rule.blocked) {
    throw new OrlopError("denied", `Cannot use "${name}": registries.conf blocks "${rule.prefix}"`);
  }
  // Of a wildcard it is the host that is replaced.
  const prefix = rule.prefix.startsWith("*.") ? registry : rule.prefix;
  const rest = name.slice(prefix.length);
  const mirrors = rule.mirrors
    .filter(({ pullBy }) => pullBy === "all" || (pullBy === "digest-only") === (digest !== undefined))
    .map(({ location, insecure }) => place(location, rest, insecure, true));
  const own = rule.location === "" ? prefix : rule.location;
  return [...mirrors, place(own, rest, rule.insecure, false)];
}

function findRule({ rules }: RegistriesConf, registry: string, name: string): RegistryRule | undefined {
  for (let prefix = name; prefix !== ""; prefix = prefix.slice(0, Math.max(prefix.lastIndexOf("/"), 0))) {
    const rule = rules.get(prefix);
    if (rule !== undefined) return rule;
  }
  // The wildcard that says the most.
  const wild = [...rules.values()].filter(
    ({ prefix }) => prefix.startsWith("*.") && registry.endsWith(prefix.slice(1)),
  );
  return wild.sort((left, right) => right.prefix.length - left.prefix.length)[0];
}

function place(location: string, rest: string, insecure: boolean, isMirror: boolean): RulePlace {
  const name = location + rest;
  const slash = name.indexOf("/");
  const registry = slash < 0 ? name : name.slice(0, slash);
  // Whatever came of it has to be a name still.
  parseReference(
    `${registry.includes(".") || registry.includes(":") ? registry : `${registry}:0`}/${name.slice(slash + 1)}`,
  );
  return { registry, repository: name.slice(slash + 1), insecure, isMirror };
}
