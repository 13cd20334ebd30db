import type { NetworkRelay } from "@orlop/kernel/netlink";

/** So often something is done for which each time a relay has gone. */
const TRIES_MAX = 4;

interface LastingRelayOptions<Host> {
  /** At home in the network namespace that is the host. */
  readonly start: () => Promise<NetworkRelay>;
  /** Whether that is the same one still; absent: it always is. */
  readonly isCurrent?: () => boolean;
  /** Makes of each relay what is used of it. */
  readonly prepare: (relay: NetworkRelay) => Host;
}

interface Current<Host> {
  readonly relay: NetworkRelay;
  readonly host: Host;
}

/**
 * A relay for as long as it is needed. It is a process, which somebody may kill at any moment: then another one takes its
 * place, and what was being done is done once more. The first one is started for whoever uses it first.
 */
export class LastingRelay<Host> {
  readonly #options: LastingRelayOptions<Host>;
  #current: Promise<Current<Host>> | undefined;

  constructor(options: LastingRelayOptions<Host>) {
    this.#options = options;
  }

  /** @param work is told whether it has been begun before, and then does all of it all the same */
  async use<T>(work: (host: Host, isAgain: boolean) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const { relay, host } = await this.#open();
      try {
        return await work(host, tries > 1);
      } catch (error) {
        if (!relay.isLost || tries === TRIES_MAX) throw error;
      }
    }
  }

  async close(): Promise<void> {
    const current = await this.#current?.catch(() => undefined);
    this.#current = undefined;
    current?.relay.close();
  }

  async #open(): Promise<Current<Host>> {
    const current = this.#current;
    const known = await current;
    if (known !== undefined && (known.relay.isLost || this.#options.isCurrent?.() === false)) {
      known.relay.close();
      // Meanwhile somebody else may have begun another one.
      if (this.#current === current) this.#current = undefined;
    }
    this.#current ??= this.#start();
    return await this.#current;
  }

  async #start(): Promise<Current<Host>> {
    try {
      const relay = await this.#options.start();
      return { relay, host: this.#options.prepare(relay) };
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }
}
