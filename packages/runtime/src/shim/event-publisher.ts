import { setTimeout as sleep } from "node:timers/promises";
import {
  type Envelope,
  EVENTS_API,
  type TaskEvent,
  type TaskEventName,
  taskEvent,
} from "../shim-protocol/events-api.ts";
import { TtrpcClient } from "../ttrpc/ttrpc-client.ts";

/** Events that wait for containerd to come back; more than that, and the oldest are dropped: it asks for states itself. */
const EVENTS_MAX = 4096;
const RETRY_MS = 500;

interface EventPublisherOptions {
  /** Path of the unix socket of containerd's events service. */
  readonly address: string;
  readonly namespace: string;
  /** Takes what containerd would not have. */
  readonly onRefused: (error: unknown) => void;
}

/** Sends events to containerd, in the order in which they come, one after the other, also when it has been away. */
export class EventPublisher {
  readonly #options: EventPublisherOptions;
  readonly #waiting: Envelope[] = [];
  #client: TtrpcClient | undefined;
  #isSending = false;

  constructor(options: EventPublisherOptions) {
    this.#options = options;
  }

  publish<Name extends TaskEventName>(name: Name, event: TaskEvent<Name>): void {
    const { namespace } = this.#options;
    this.#waiting.push(taskEvent(name, event, { namespace, atMs: Date.now() }));
    if (this.#waiting.length > EVENTS_MAX) this.#waiting.shift();
    if (!this.#isSending) void this.#send();
  }

  close(): void {
    this.#waiting.length = 0;
    this.#client?.close();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let envelope = this.#waiting[0]; envelope !== undefined; envelope = this.#waiting[0]) {
      if (await this.#forward(envelope)) {
        if (this.#waiting[0] === envelope) this.#waiting.shift();
      } else {
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
    this.#isSending = false;
  }

  /** False when nobody has taken it. */
  async #forward(envelope: Envelope): Promise<boolean> {
    try {
      if (this.#client?.isOpen !== true) this.#client = await TtrpcClient.connect(this.#options.address);
      await this.#client.call(EVENTS_API, "Forward", { envelope });
    } catch (error) {
      if (this.#client?.isOpen !== true) return false;
      this.#options.onRefused(error);
    }
    return true;
  }
}
