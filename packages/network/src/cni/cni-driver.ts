import { ConfiguredDriver } from "../configured/configured-driver.ts";
import type { NetworkRecords } from "../records/network-records.ts";
import { CniMaker } from "./cni-maker.ts";

export interface CniDriverOptions {
  readonly records: NetworkRecords;
  /** Absent: `/etc/cni/net.d`. */
  readonly configDirectory?: string;
  /** Absent: `/opt/cni/bin`, `/usr/lib/cni`, `/usr/libexec/cni`. */
  readonly pluginDirectories?: readonly string[];
  /** The network namespace that is the host; absent: that of this process. */
  readonly hostNamespace?: string;
  /** Held while a plug-in runs, by all who change the host's networks; absent: `/run/orlop-cni.lock`. */
  readonly lockFile?: string;
  /**
   * No other runtime uses these networks: the clean-up has plug-ins remove the attachments that it does not know (GC, since
   * CNI 1.1.0).
   */
  readonly collect?: boolean;
}

/** Directories as the specification's own runtime, Debian and Fedora have them. */
const DEFAULTS = {
  config: "/etc/cni/net.d",
  plugins: ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"],
  lockFile: "/run/orlop-cni.lock",
} as const;

/** The driver `cni`: networks by configuration lists of the Container Network Interface (docs/networking.md). */
export class CniDriver extends ConfiguredDriver {
  constructor({ records, configDirectory, pluginDirectories, hostNamespace, lockFile, collect }: CniDriverOptions) {
    const maker = new CniMaker({
      configDirectory: configDirectory ?? DEFAULTS.config,
      pluginDirectories: pluginDirectories ?? DEFAULTS.plugins,
      hostNamespace,
      lockFile: lockFile ?? DEFAULTS.lockFile,
      collect: collect ?? false,
    });
    super(maker, records);
  }
}
