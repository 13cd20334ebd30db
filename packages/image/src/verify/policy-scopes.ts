import { dirname } from "node:path";
import type { Reference } from "@orlop/core";
import { type ImageOrigin, isInRegistry, type Policy, type PolicyRequirement } from "./policy.ts";

/** What a policy asks of images of this origin: the requirements of the most specific scope, and no others. */
export function requirementsFor(policy: Policy, origin: ImageOrigin): readonly PolicyRequirement[] {
  const scopes = policy.transports.get(origin.transport);
  for (const scope of [...policyScopes(origin), ""]) {
    const found = scopes?.get(scope);
    if (found !== undefined) return found;
  }
  return policy.default;
}

/** The scopes that an image is in (containers-policy.json(5), "Supported transports and their scopes"), the closest first. */
export function policyScopes(origin: ImageOrigin): readonly string[] {
  if (isInRegistry(origin)) return registryScopes(origin.reference);
  const scopes: string[] = [];
  for (let path = origin.path ?? "/"; path !== "/"; path = dirname(path)) scopes.push(path);
  return scopes;
}

/** Those of an image in a registry. */
export function registryScopes({ registry, repository, tag, digest }: Reference): readonly string[] {
  const name = `${registry}/${repository}`;
  // With both, it is the digest that is asked for.
  const scopes = [digest === undefined ? `${name}:${tag ?? "latest"}` : `${name}@${digest}`];
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) scopes.push(name.slice(0, end));
  const host = registry.replace(/:\d+$/, "");
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) scopes.push(`*${host.slice(dot)}`);
  return scopes;
}
