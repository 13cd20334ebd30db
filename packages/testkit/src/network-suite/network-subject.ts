import type { NetworkDriver } from "@orlop/core";
import type { NamespaceHolder } from "../namespace-holder.ts";

/** Drivers that the suite may use up. */
export interface NetworkSubject extends AsyncDisposable {
  readonly driver: NetworkDriver;
  /** One more on the same records, as another process has it. */
  another(): Promise<NetworkDriver>;
  /** Path of the network namespace that it makes interfaces in; absent: the host's, undefined: there is none now. */
  readonly bridges?: () => string | undefined;
  /** Makes a network namespace that can be connected; absent: any can. */
  readonly namespace?: () => Promise<NamespaceHolder>;
}

/**
 * Makes the driver.
 *
 * @param directory exists, is empty at first, and is the driver's own
 * @param hostNamespace path of the network namespace that is to be its host: nothing outside of it is touched
 */
export type MakeNetworkDriver = (directory: string, hostNamespace: string) => Promise<NetworkSubject>;

export interface NetworkSuiteOptions {
  /** Why the driver cannot be tried here, for the skips; undefined when it can. */
  readonly obstacle?: () => string | undefined;
  /** Cases, by their titles, that the driver is known to fail, each with the reason: they are skipped. */
  readonly exceptions?: Readonly<Record<string, string>>;
}
