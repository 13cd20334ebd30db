export { BridgeDriver, type BridgeDriverOptions, type UserBridgeHost } from "./bridge/bridge-driver.ts";
export { CniChain, type HeldAttachment, type RuntimeConfig } from "./cni/cni-chain.ts";
export { CniDriver, type CniDriverOptions } from "./cni/cni-driver.ts";
export {
  type CniAttachment,
  type CniCommand,
  CniPrograms,
  type CniProgramsOptions,
} from "./cni/cni-program.ts";
export { type CniPlugin, type CniVersion, type Conflist, parseConflist, readConflists } from "./cni/conflist.ts";
export { CombinedDriver } from "./combined/combined-driver.ts";
export { PastaDriver, type PastaDriverOptions } from "./pasta/pasta-driver.ts";
export type {
  EndpointRecord,
  EndpointState,
  EndpointWishes,
  NetworkRecord,
  NetworkRecords,
  PortRange,
} from "./records/network-records.ts";
export type { RecordsComponent, RecordsDatabase } from "./records/records-database.ts";
export { SqliteRecords } from "./records/sqlite-records.ts";
export { SlirpDriver, type SlirpDriverOptions } from "./slirp/slirp-driver.ts";
export { Uplink } from "./user-host/uplink.ts";
export { type HeldHost, UserHost, type UserHostClaim } from "./user-host/user-host.ts";
