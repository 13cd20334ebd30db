export type { Acknowledgement, ExtendedAck } from "./answer.ts";
export type { Mark } from "./byte-writer.ts";
export {
  type Connection,
  type ConnectionTuple,
  deleteConnection,
  isOfPortMapping,
  listConnections,
  type PortMapping,
} from "./conntrack.ts";
export { NetlinkExchange, type NetlinkExchangeOptions } from "./exchange.ts";
export { formatHardwareAddress, parseHardwareAddress } from "./hardware-address.ts";
export {
  formatIpAddress,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  lastAddressOf,
  networkOf,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
} from "./ip-address.ts";
export { datagramMaxBytes } from "./limits.ts";
export type { NetlinkMessage } from "./message.ts";
export { NetworkRelay, type RelayNamespace } from "./relay/network-relay.ts";
export { askedByField, encodeRequest, type MessageType, type NetlinkRequest, valueOffset } from "./request.ts";
export {
  AF_NETLINK,
  encodeNetlinkSocketAddress,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  receiveBufferBytes,
  SOL_NETLINK,
} from "./socket.ts";
export type { UnknownVariant, Variant } from "./variant.ts";
