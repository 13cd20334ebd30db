import { BUS, DBusConnection } from "../../dbus/dbus-connection.ts";
import type { DBusMessage } from "../../dbus/dbus-message.ts";
import type { DBusValue } from "../../dbus/dbus-value.ts";

/** A call as the fake service saw it. */
interface SeenCall {
  readonly member: string;
  readonly body: readonly DBusValue[];
}

/**
 * Answers on a test's bus as systemd does: units are kept by name, each start or stop is a job, and the signal that
 * it is over comes right behind the answer.
 */
export class FakeSystemd {
  readonly seen: SeenCall[] = [];
  readonly units: Map<string, "active" | "failed"> = new Map();
  /** What the next jobs end as; "never" for no signal at all. */
  result = "done";
  /** Told of each call before it is answered. */
  onCall: (member: string) => void = () => {};
  readonly #connection: DBusConnection;
  #jobs = 0;

  private constructor(connection: DBusConnection) {
    this.#connection = connection;
    connection.listen((message) => {
      if (message.type === "call") this.#answer(message);
    });
  }

  static async start(address: string): Promise<FakeSystemd> {
    const connection = await DBusConnection.connect({ address });
    await connection.call({ ...BUS, member: "RequestName", signature: "su", body: ["org.freedesktop.systemd1", 0] });
    return new FakeSystemd(connection);
  }

  close(): void {
    this.#connection.close();
  }

  #answer(message: DBusMessage): void {
    const { member = "", body } = message;
    this.seen.push({ member, body });
    this.onCall(member);
    const unit = String(body[0]);
    const loaded = this.units.get(unit);
    if (member === "Get") {
      this.#reply(message, "v", [{ signature: "s", value: body[1] === "Version" ? "252.4-1" : "" }]);
    } else if (member === "StartTransientUnit" && loaded !== undefined) {
      this.#refuse(message, "UnitExists", `Unit ${unit} already exists.`);
    } else if ((member === "StopUnit" || member === "ResetFailedUnit") && loaded === undefined) {
      this.#refuse(message, "NoSuchUnit", `Unit ${unit} not loaded.`);
    } else if (member === "StartTransientUnit") {
      this.units.set(unit, "active");
      this.#startJob(message, unit);
    } else if (member === "StopUnit") {
      this.units.delete(unit);
      this.#startJob(message, unit);
    } else {
      if (member === "ResetFailedUnit" && loaded === "failed") this.units.delete(unit);
      this.#reply(message, "", []);
    }
  }

  #startJob(message: DBusMessage, unit: string): void {
    this.#jobs++;
    const job = `/org/freedesktop/systemd1/job/${this.#jobs}`;
    this.#reply(message, "o", [job]);
    if (this.result === "never") return;
    this.sendJobRemoved([this.#jobs, job, unit, this.result]);
  }

  /** With a destination: past the receiver's match rule, as a stranger could. */
  sendJobRemoved(body: readonly DBusValue[], destination?: string): void {
    this.#connection.send({
      type: "signal",
      path: "/org/freedesktop/systemd1",
      interface: "org.freedesktop.systemd1.Manager",
      member: "JobRemoved",
      destination,
      signature: "uoss",
      body,
    });
  }

  #reply(call: DBusMessage, signature: string, body: readonly DBusValue[]): void {
    this.#connection.send({ type: "reply", destination: call.sender, replySerial: call.serial, signature, body });
  }

  #refuse(call: DBusMessage, name: string, text: string): void {
    this.#connection.send({
      type: "error",
      destination: call.sender,
      replySerial: call.serial,
      errorName: `org.freedesktop.systemd1.${name}`,
      signature: "s",
      body: [text],
    });
  }
}
