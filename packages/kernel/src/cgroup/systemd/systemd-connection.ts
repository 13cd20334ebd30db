import { existsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { BUS, DBusConnection } from "../../dbus/dbus-connection.ts";
import { dbusErrorName } from "../../dbus/dbus-error.ts";
import type { DBusMessage } from "../../dbus/dbus-message.ts";
import type { DBusValue, DBusVariant } from "../../dbus/dbus-value.ts";
import type { SystemdUnit } from "./plan-systemd-unit.ts";
import { type SystemdProperty, systemdProperty } from "./systemd-property.ts";

const DESTINATION = "org.freedesktop.systemd1";
const PATH = "/org/freedesktop/systemd1";
const MANAGER = "org.freedesktop.systemd1.Manager";
const UNIT_EXISTS = "org.freedesktop.systemd1.UnitExists";
const NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit";

/** How long systemd may take to start or stop a unit; runc waits as long. */
const JOB_TIMEOUT_MS = 30_000;

/** Where a systemd instance listens. */
interface SystemdAddress {
  readonly address: string;
  /** False for systemd's own socket, which is no bus. */
  readonly bus: boolean;
}

/**
 * The sockets of the system's systemd, or of the user's, best first. systemd's own socket needs no bus daemon but
 * lets only its own user in.
 */
export function systemdAddresses(
  rootless: boolean,
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): SystemdAddress[] {
  if (!rootless) {
    const bus = environment.DBUS_SYSTEM_BUS_ADDRESS ?? "unix:path=/run/dbus/system_bus_socket";
    return [
      { address: "unix:path=/run/systemd/private", bus: false },
      { address: bus, bus: true },
    ];
  }
  const runtime = environment.XDG_RUNTIME_DIR ?? `/run/user/${uid}`;
  const session = environment.DBUS_SESSION_BUS_ADDRESS ?? `unix:path=${runtime}/bus`;
  return [
    { address: `unix:path=${runtime}/systemd/private`, bus: false },
    { address: session, bus: true },
  ];
}

/** Whether this machine was booted with systemd, sd_booted(3). */
export function isSystemdRunning(): boolean {
  return existsSync("/run/systemd/system");
}

/** `252.38-1~deb12u1`, `v245.4` -> `252`, `245`. Throws OrlopError("failed") on another form. */
export function systemdMajorVersion(version: string): number {
  const major = /^v?(\d+)/.exec(version)?.[1];
  if (major !== undefined) return Number(major);
  throw new OrlopError("failed", `Cannot read systemd version "${version}": it begins with no number`, {
    operation: "systemd",
  });
}

/**
 * A connection to a systemd instance: the part of org.freedesktop.systemd1(5) that containers' cgroups need.
 *
 * Starting and stopping wait until systemd has done it. Every call takes a signal; `close` ends the connection
 * and every call with it. After a connection is lost, connect anew: nothing is kept here but the connection.
 */
export class SystemdConnection {
  readonly #connection: DBusConnection;
  /** Major version of systemd. */
  readonly version: number;
  /** Cgroup below which this instance's units lie: `/`, or that of user@1000.service. */
  readonly controlGroup: string;

  private constructor(connection: DBusConnection, version: number, controlGroup: string) {
    this.#connection = connection;
    this.version = version;
    this.controlGroup = controlGroup === "" ? "/" : controlGroup;
  }

  /** Tries the addresses in order. Throws the last one's error when none answers. */
  static async connect(addresses: readonly SystemdAddress[], signal?: AbortSignal): Promise<SystemdConnection> {
    let failure: unknown = new OrlopError("invalid", "Cannot connect to systemd: no address was given");
    for (const { address, bus } of addresses) {
      try {
        const connection = await DBusConnection.connect({ address, bus, ...(signal === undefined ? {} : { signal }) });
        return await SystemdConnection.#greet(connection, bus, signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  static async #greet(
    connection: DBusConnection,
    bus: boolean,
    signal: AbortSignal | undefined,
  ): Promise<SystemdConnection> {
    try {
      if (bus) {
        const rule = `type='signal',sender='${DESTINATION}',path='${PATH}',interface='${MANAGER}',member='JobRemoved'`;
        await connection.call({ ...BUS, member: "AddMatch", signature: "s", body: [rule] }, signal);
      }
      // All at once: what systemd's own socket reads together with the end of the authentication, up to 256 bytes, it
      // looks at only when more comes (sd-bus, bus_socket_read_auth). A single call could lie there for ever.
      const [version, controlGroup] = await Promise.all([
        readProperty(connection, "Version", signal),
        readProperty(connection, "ControlGroup", signal),
        // systemd sends its signals to nobody who has not asked.
        call(connection, "Subscribe", "", [], signal),
      ]);
      return new SystemdConnection(connection, systemdMajorVersion(version), controlGroup);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Starts a transient unit with these processes in it: systemd starts no scope that is empty, and a slice takes none.
   * A failed unit of the same name, left over from an earlier container, is reset and replaced. Throws
   * OrlopError("exists") for one that is alive, OrlopError("failed") when systemd could not.
   */
  async startTransientUnit(unit: SystemdUnit, pids: readonly number[], signal?: AbortSignal): Promise<void> {
    const processes = pids.length === 0 ? [] : [systemdProperty("PIDs", "au", [...pids])];
    const start = () => {
      const body = [unit.name, "replace", propertyList([...unit.properties, ...processes]), []];
      return this.#runJob("start", unit.name, "StartTransientUnit", "ssa(sv)a(sa(sv))", body, signal);
    };
    try {
      await start();
    } catch (error) {
      if (dbusErrorName(error) !== UNIT_EXISTS) throw error;
      await this.resetFailedUnit(unit.name, signal);
      await start();
    }
  }

  /** Stops a unit and forgets it; one that is gone is fine. */
  async stopUnit(name: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#runJob("stop", name, "StopUnit", "ss", [name, "replace"], signal);
    } catch (error) {
      if (dbusErrorName(error) !== NO_SUCH_UNIT) throw error;
    }
    await this.resetFailedUnit(name, signal);
  }

  /** Lets systemd forget that a unit failed; one that is gone is fine. */
  async resetFailedUnit(name: string, signal?: AbortSignal): Promise<void> {
    try {
      await call(this.#connection, "ResetFailedUnit", "s", [name], signal);
    } catch (error) {
      if (dbusErrorName(error) !== NO_SUCH_UNIT) throw error;
    }
  }

  /** Changes properties until the unit is stopped. */
  async setUnitProperties(name: string, properties: readonly SystemdProperty[], signal?: AbortSignal): Promise<void> {
    await call(this.#connection, "SetUnitProperties", "sba(sv)", [name, true, propertyList(properties)], signal);
  }

  /** Moves processes into a unit, or into the cgroup `below` its own (systemd 238). */
  async attachProcesses(name: string, below: string, pids: readonly number[], signal?: AbortSignal): Promise<void> {
    await call(this.#connection, "AttachProcessesToUnit", "ssau", [name, below, [...pids]], signal);
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Calls a method that gives a job, and waits for the signal that the job is over, which may come right with the answer. */
  async #runJob(
    verb: string,
    unit: string,
    member: string,
    signature: string,
    body: readonly DBusValue[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const over = new Map<string, string>();
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
    // The call below may fail first, and then nobody waits for this one.
    ended.catch(() => {});
    let job: string | undefined;
    const stopListening = this.#connection.listen((message) => {
      const removed = readJobRemoved(message);
      if (removed === undefined) return;
      over.set(removed.job, removed.result);
      if (removed.job === job) end();
    });
    const timeout = AbortSignal.timeout(JOB_TIMEOUT_MS);
    const stop = AbortSignal.any([timeout, this.#connection.ended, ...(signal === undefined ? [] : [signal])]);
    const abort = () => reject(interrupted(verb, unit, timeout, signal, stop.reason));
    stop.addEventListener("abort", abort, { once: true });
    try {
      const [path] = await call(this.#connection, member, signature, body, signal);
      job = String(path);
      if (!over.has(job)) await ended;
      const result = over.get(job);
      if (result !== "done") {
        throw new OrlopError("failed", `Cannot ${verb} systemd unit "${unit}": its job ended as "${result}"`, {
          operation: "systemd",
        });
      }
    } finally {
      stop.removeEventListener("abort", abort);
      stopListening();
    }
  }
}

function call(
  connection: DBusConnection,
  member: string,
  signature: string,
  body: readonly DBusValue[],
  signal: AbortSignal | undefined,
): Promise<readonly DBusValue[]> {
  return connection.call({ destination: DESTINATION, path: PATH, interface: MANAGER, member, signature, body }, signal);
}

async function readProperty(
  connection: DBusConnection,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const [variant] = await connection.call(
    {
      destination: DESTINATION,
      path: PATH,
      interface: "org.freedesktop.DBus.Properties",
      member: "Get",
      signature: "ss",
      body: [MANAGER, name],
    },
    signal,
  );
  return String((variant as DBusVariant | undefined)?.value ?? "");
}

function propertyList(properties: readonly SystemdProperty[]): DBusValue[] {
  return properties.map(({ name, value }) => [name, value]);
}

/**
 * JobRemoved(u id, o job, s unit, s result). The match rule lets in systemd's broadcasts; one with a destination is
 * from somebody who sent it to us past the rule.
 */
function readJobRemoved(message: DBusMessage): { readonly job: string; readonly result: string } | undefined {
  if (message.interface !== MANAGER || message.member !== "JobRemoved" || message.destination !== undefined)
    return undefined;
  const [, job, , result] = message.body;
  return { job: String(job), result: String(result) };
}

function interrupted(
  verb: string,
  unit: string,
  timeout: AbortSignal,
  signal: AbortSignal | undefined,
  cause: unknown,
): OrlopError {
  const calledOff = signal?.aborted ?? false;
  const what = calledOff
    ? "it was called off"
    : timeout.aborted
      ? `it was not done after ${JOB_TIMEOUT_MS / 1000} s`
      : "the connection to systemd was lost";
  return new OrlopError(
    calledOff || timeout.aborted ? "cancelled" : "failed",
    `Cannot ${verb} systemd unit "${unit}": ${what}`,
    {
      operation: "systemd",
      cause,
    },
  );
}
