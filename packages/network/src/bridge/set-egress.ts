import type { EgressPolicy } from "@orlop/core";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import type { EndpointWork } from "./endpoint-work.ts";
import type { HostSide } from "./host-side.ts";
import { endpointResolvers } from "./served-names.ts";

interface LimitedEndpoint {
  readonly network: NetworkRecord;
  readonly record: EndpointRecord;
}

/**
 * Gives an endpoint another policy. It is written down first: whoever lets out to a name meanwhile looks there afterwards,
 * and takes back what the policy then has not.
 */
export async function setEgress(
  side: HostSide,
  work: EndpointWork,
  { network, record }: LimitedEndpoint,
  egress: EgressPolicy,
): Promise<EndpointRecord> {
  const { egress: old, resolvers } = record.endpoint;
  const changed = work.change(record, {
    egress,
    resolvers: endpointResolvers(network.info, egress, () => side.resolvers()),
  });
  try {
    await side.changeEgress({ ...changed, endpoint: { ...changed.endpoint, egress: old } }, egress);
    return changed;
  } catch (error) {
    work.change(record, { egress: old, resolvers });
    throw error;
  }
}
