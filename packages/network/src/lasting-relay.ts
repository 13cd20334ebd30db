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
  /** What is being done by it. */
  uses: number;
  /** Nothing more is begun by it, and the last use closes it. */
  isRetired: boolean;
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
      const current = await this.#take();
      try {
        return await work(current.host, tries > 1);
      } catch (error) {
        if (!current.relay.isLost || tries === TRIES_MAX) throw error;
      } finally {
        current.uses--;
        closeUnlessUsed(current);
      }
    }
  }

  /** Closes it as soon as nothing is being done by it; whoever uses it from now on has another one. */
  async retire(): Promise<void> {
    const promise = this.#current;
    const current = await promise?.catch(() => undefined);
    if (current !== undefined) this.#retire(promise, current);
  }

  async close(): Promise<void> {
    const current = await this.#current?.catch(() => undefined);
    this.#current = undefined;
    current?.relay.close();
  }

  /** One that is not closed before its use has ended. */
  async #take(): Promise<Current<Host>> {
    for (;;) {
      this.#current ??= this.#start();
      const promise = this.#current;
      const current = await promise;
      if (!current.relay.isLost && !current.isRetired && this.#options.isCurrent?.() !== false) {
        current.uses++;
        return current;
      }
      this.#retire(promise, current);
    }
  }

  #retire(promise: Promise<Current<Host>> | undefined, current: Current<Host>): void {
    // Meanwhile somebody else may have begun another one.
    if (this.#current === promise) this.#current = undefined;
    current.isRetired = true;
    closeUnlessUsed(current);
  }

  async #start(): Promise<Current<Host>> {
    try {
      const relay = await this.#options.start();
      return { relay, host: this.#options.prepare(relay), uses: 0, isRetired: false };
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }
}

function closeUnlessUsed<Host>({ relay, uses, isRetired }: Current<Host>): void {
  if (isRetired && uses === 0) relay.close();
}
