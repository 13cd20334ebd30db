import { OrlopError } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { parseIpAddress } from "@orlop/kernel/netlink";
import type { EndpointRecord, NetworkRecord, NetworkRecords, PortRange } from "./network-records.ts";
import type { RecordsComponent, RecordsDatabase } from "./records-database.ts";

/** What is looked for by others than its id stands in columns; the rest is one JSON document a row. */
const COMPONENT: RecordsComponent = {
  name: "networks",
  steps: [
    `create table network_owner (owner text not null) strict;
     create table networks (
       id text primary key,
       driver text not null,
       name text not null,
       record text not null,
       unique (driver, name)
     ) strict;
     create table network_endpoints (
       network text not null references networks (id),
       id text not null,
       record text not null,
       primary key (network, id)
     ) strict;
     create table network_addresses (
       network text not null,
       address text not null,
       version integer not null,
       ordinal integer,
       holder text not null,
       primary key (network, address)
     ) strict;
     create index network_addresses_ordinal on network_addresses (network, version, ordinal);
     create table network_ports (
       protocol text not null,
       version integer not null,
       address text not null,
       first integer not null,
       last integer not null,
       network text not null,
       endpoint text not null
     ) strict;
     create index network_ports_first on network_ports (protocol, version, first);
     create index network_ports_endpoint on network_ports (network, endpoint)`,
    `create table network_closed_links (
       host text not null,
       version integer not null,
       link text not null,
       primary key (host, version, link)
     ) strict`,
  ],
};

const OWNER_BYTES = 3;

/** Addresses that stand for all of their version. */
const ANY = "('0.0.0.0', '::')";

/** Records of one driver's networks in a database that others use, too. */
export class SqliteRecords implements NetworkRecords {
  readonly #database: RecordsDatabase;
  readonly #driver: string;
  #owner: string | undefined;

  constructor(database: RecordsDatabase, driver: string) {
    database.add(COMPONENT);
    this.#database = database;
    this.#driver = driver;
  }

  owner(): string {
    this.#owner ??= this.#database.transaction(() => {
      const row = this.#database.get("select owner from network_owner");
      if (row !== undefined) return String(row.owner);
      const owner = Buffer.from(randomBytes(OWNER_BYTES)).toString("hex");
      this.#database.run("insert into network_owner values (?)", owner);
      return owner;
    });
    return this.#owner;
  }

  transaction<T>(work: () => T): T {
    return this.#database.transaction(work);
  }

  version(): string {
    return this.#database.version();
  }

  networks(): readonly NetworkRecord[] {
    return this.#database
      .all("select record from networks where driver = ? order by name", this.#driver)
      .map(decode<NetworkRecord>);
  }

  network(nameOrId: string): NetworkRecord | undefined {
    const sql = "select record from networks where driver = ? and (id = ? or name = ?) order by id = ? desc limit 1";
    const row = this.#database.get(sql, this.#driver, nameOrId, nameOrId, nameOrId);
    return row === undefined ? undefined : decode(row);
  }

  insertNetwork(record: NetworkRecord): void {
    const { id, name } = record.info;
    if (this.#database.get("select 1 from networks where driver = ? and name = ?", this.#driver, name) !== undefined) {
      throw new OrlopError("exists", `Cannot create network "${name}": there is one of this name`);
    }
    const values = [id, this.#driver, name, JSON.stringify(record)];
    this.#database.run("insert into networks (id, driver, name, record) values (?, ?, ?, ?)", ...values);
  }

  updateNetwork(record: NetworkRecord): void {
    this.#database.run("update networks set record = ? where id = ?", JSON.stringify(record), record.info.id);
  }

  deleteNetwork(id: string): void {
    this.#database.run("delete from network_addresses where network = ?", id);
    this.#database.run("delete from networks where id = ?", id);
  }

  endpoints(network?: string): readonly EndpointRecord[] {
    const sql = `select own.record from network_endpoints own join networks on networks.id = own.network
      where networks.driver = ? and (? is null or own.network = ?) order by own.id, own.network`;
    return this.#database.all(sql, this.#driver, network ?? null, network ?? null).map(decode<EndpointRecord>);
  }

  unfinished(): readonly EndpointRecord[] {
    const sql = `select own.record from network_endpoints own join networks on networks.id = own.network
      where networks.driver = ? and own.record ->> 'state' <> 'made'`;
    return this.#database.all(sql, this.#driver).map(decode<EndpointRecord>);
  }

  endpoint(network: string, id: string): EndpointRecord | undefined {
    const row = this.#database.get("select record from network_endpoints where network = ? and id = ?", network, id);
    return row === undefined ? undefined : decode(row);
  }

  insertEndpoint(record: EndpointRecord): void {
    const { network, id } = record.endpoint;
    this.#database.run("insert into network_endpoints values (?, ?, ?)", network, id, JSON.stringify(record));
  }

  updateEndpoint(record: EndpointRecord): void {
    const { network, id } = record.endpoint;
    const sql = "update network_endpoints set record = ? where network = ? and id = ?";
    this.#database.run(sql, JSON.stringify(record), network, id);
  }

  deleteEndpoint(network: string, id: string): void {
    this.#database.run("delete from network_addresses where network = ? and holder = ?", network, id);
    this.#database.run("delete from network_ports where network = ? and endpoint = ?", network, id);
    this.#database.run("delete from network_endpoints where network = ? and id = ?", network, id);
  }

  addressHolder(network: string, address: string): string | undefined {
    const sql = "select holder from network_addresses where network = ? and address = ?";
    const row = this.#database.get(sql, network, address);
    return row === undefined ? undefined : String(row.holder);
  }

  takeAddress(network: string, holder: string, address: string, ordinal: number | undefined): void {
    const values = [network, address, parseIpAddress(address).version, ordinal ?? null, holder];
    this.#database.run("insert into network_addresses values (?, ?, ?, ?, ?)", ...values);
  }

  freeOrdinal(network: string, version: 4 | 6, first: number, last: number): number | undefined {
    const taken = "select 1 from network_addresses where network = ? and version = ? and ordinal = ?";
    if (first <= last && this.#database.get(taken, network, version, first) === undefined) return first;
    // Behind the first one that has a gap behind it.
    const sql = `select own.ordinal + 1 as free from network_addresses own
      where own.network = ? and own.version = ? and own.ordinal >= ? and own.ordinal < ? and not exists (
        select 1 from network_addresses next
        where next.network = own.network and next.version = own.version and next.ordinal = own.ordinal + 1
      ) order by own.ordinal limit 1`;
    const row = this.#database.get(sql, network, version, first, last);
    return row === undefined ? undefined : Number(row.free);
  }

  portHolder(range: PortRange): { readonly network: string; readonly endpoint: string } | undefined {
    const sql = `select network, endpoint from network_ports
      where protocol = ? and version = ? and first <= ? and last >= ?
        and (address = ? or address in ${ANY} or ? in ${ANY}) limit 1`;
    const { protocol, address, first, last } = range;
    const version = parseIpAddress(address).version;
    const row = this.#database.get(sql, protocol, version, last, first, address, address);
    return row === undefined ? undefined : { network: String(row.network), endpoint: String(row.endpoint) };
  }

  takePorts(network: string, endpoint: string, { protocol, address, first, last }: PortRange): void {
    const values = [protocol, parseIpAddress(address).version, address, first, last, network, endpoint];
    this.#database.run("insert into network_ports values (?, ?, ?, ?, ?, ?, ?)", ...values);
  }

  closedLinks(host: string): readonly { readonly version: 4 | 6; readonly link: string }[] {
    return this.#database
      .all("select version, link from network_closed_links where host = ? order by version, link", host)
      .map(({ version, link }) => ({ version: version === 4 ? 4 : 6, link: String(link) }));
  }

  closeLinks(host: string, version: 4 | 6, links: readonly string[]): void {
    const [boot = ""] = host.split(" ", 1);
    this.#database.transaction(() => {
      this.#database.run("delete from network_closed_links where host not like ? || ' %'", boot);
      const sql = "insert or ignore into network_closed_links values (?, ?, ?)";
      for (const link of links) this.#database.run(sql, host, version, link);
    });
  }

  releasePorts(network: string, endpoint: string, { protocol, address, first, last }: PortRange): void {
    const sql = `delete from network_ports
      where network = ? and endpoint = ? and protocol = ? and address = ? and first = ? and last = ?`;
    this.#database.run(sql, network, endpoint, protocol, address, first, last);
  }
}

function decode<T extends NetworkRecord | EndpointRecord>(row: Readonly<Record<string, unknown>>): T {
  return JSON.parse(String(row.record)) as T;
}
