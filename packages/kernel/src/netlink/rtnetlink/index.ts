export type { Address, AddressFlags, AddressLifetime } from "./address.ts";
export type { AddressFamily } from "./address-family.ts";
export { type AddressFilter, addAddress, deleteAddress, listAddresses, type NewAddress } from "./address-requests.ts";
export type { BridgeOptions } from "./bridge-options.ts";
export {
  addBridgeVlans,
  type BridgePort,
  type BridgePortVlans,
  type BridgeVlan,
  changeBridgePort,
  deleteBridgeVlans,
  listBridgePorts,
} from "./bridge-port.ts";
export type { BridgePortOptions } from "./bridge-port-options.ts";
export type { Link, LinkInet6, LinkProtocols } from "./link.ts";
export type { InterfaceFlags } from "./link-attributes.ts";
export type { LinkInfo, LinkKinds, NoOptions, PortKinds, VethOptions, VethPeer } from "./link-kind.ts";
export {
  addAlternativeName,
  changeLink,
  createLink,
  deleteAlternativeName,
  deleteLink,
  getLink,
  type LinkChange,
  type LinkFilter,
  type LinkSettings,
  listLinks,
  type NewLink,
} from "./link-requests.ts";
export type { LinkStatistics } from "./link-statistics.ts";
export type { LinkTarget } from "./link-target.ts";
export {
  addForwardingEntry,
  addNeighbour,
  deleteForwardingEntry,
  deleteNeighbour,
  type ForwardingEntry,
  listNeighbours,
  type Neighbour,
  type NewNeighbour,
} from "./neighbour.ts";
export {
  type RouteFlags,
  type RouteMetrics,
  type RouteProtocol,
  type RouteType,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from "./route.ts";
export {
  addRoute,
  deleteRoute,
  listRoutes,
  lookUpRoute,
  type NewRoute,
  type NextHop,
  type Route,
  type RouteAddition,
  type RouteFilter,
} from "./route-requests.ts";
export type { RuleAction, RuleFlags, RuleRange } from "./rule.ts";
export { addRule, deleteRule, listRules, type NewRule, type Rule } from "./rule-requests.ts";
export type { Scope } from "./scope.ts";
export type { IpvlanOptions, MacvlanOptions, VlanFlags, VlanOptions } from "./stacked-link-options.ts";
export type { VxlanOptions, VxlanPortRange } from "./vxlan-options.ts";
