import type { EgressPolicy, Endpoint, NetworkInfo, Resolvers } from "@orlop/core";
import { isNameRule } from "../egress/name-rules.ts";
import { DEFAULT_NETWORK } from "./network-work.ts";

/** Whether names are answered for an endpoint: on networks that somebody has made, and where its policy has names. */
export function isServed({ name }: NetworkInfo, { egress }: Pick<Endpoint, "egress">): boolean {
  return name !== DEFAULT_NETWORK || (egress !== "all" && egress.allow.some(isNameRule));
}

/**
 * Whom an endpoint asks for names. Whoever may talk to everybody has the host's servers behind ours, so that it still has
 * them when ours is not there; its neighbours' names are in its `/etc/hosts`, too.
 *
 * @param resolvers the host's
 */
export function endpointResolvers(info: NetworkInfo, egress: EgressPolicy, resolvers: () => Resolvers): Resolvers {
  const host = info.internal ? { servers: [], search: [], options: [] } : resolvers();
  if (!isServed(info, { egress })) return host;
  const own = info.subnets.map(({ gateway }) => gateway);
  return { ...host, servers: egress === "all" ? [...own, ...host.servers] : own };
}
