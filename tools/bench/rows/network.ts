import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NetworkDriver } from "@orlop/core";
import { Database } from "@orlop/image";
import { BridgeDriver, CniChain, CniPrograms, parseConflist, SqliteRecords } from "@orlop/network";
import { NetworkBench } from "@orlop/testkit";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { OURS } from "../peer-rows.ts";
import { median } from "../statistics.ts";

const PEER = "CNI plug-ins";
const PLUGINS = ["bridge", "portmap", "firewall"] as const;
/** Where the project itself, Debian and Fedora put them. */
const DIRECTORIES = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"] as const;
const NOTE =
  "ours writes its records to a database on the disk; each plug-in enters the namespace of the host by nsenter";

type Measure = "connect" | "disconnect";

/** Connects a namespace with one published port, and disconnects it: ours, and a chain of plug-ins. */
export async function networkRows(rounds: Rounds): Promise<readonly BenchRow[]> {
  const row = { name: "network", what: "connect a namespace, with one published port", unit: "ms" } as const;
  if (process.getuid?.() !== 0) return [{ ...row, ours: undefined, note: "needs root" }];
  const isThere = (name: string): boolean => DIRECTORIES.some((directory) => existsSync(join(directory, name)));
  const missing = PLUGINS.find((name) => !isThere(name)) ?? (findProgram("iptables") ? undefined : "iptables");
  await using bench = await NetworkBench.open(async (directory, hostNamespace) => {
    const database = new Database(join(directory, "metadata.db"));
    const driver = new BridgeDriver({ records: new SqliteRecords(database, "bridge"), hostNamespace });
    const dispose = async (): Promise<void> => {
      await driver.close();
      database.close();
    };
    return { driver, another: async () => driver, [Symbol.asyncDispose]: dispose };
  });
  const subjects = [own(bench), ...(missing === undefined ? [peer(bench)] : [])];
  const series = await interleave(subjects, rounds);
  const figures = (measure: Measure) => {
    const figure = (name: string): number | undefined => {
      const values = series.get(name)?.[measure];
      return values === undefined ? undefined : median(values);
    };
    const note = missing === undefined ? NOTE : `${missing} is not installed`;
    return { ours: figure(OURS), peerName: PEER, peer: figure(PEER), note };
  };
  return [
    { ...row, ...figures("connect") },
    { ...row, name: "network-disconnect", what: "disconnect it", ...figures("disconnect") },
  ];
}

type Work = (namespace: string, round: number) => Promise<unknown>;

function own(bench: NetworkBench): Subject<Measure> {
  const { driver } = bench;
  const network = driver.defaultNetwork;
  return subject(bench, OURS, {
    connect: (path, round) => driver.connect({ network, endpoint: `own-${round}`, ...request(path) }),
    disconnect: (_, round) => driver.disconnect(network, `own-${round}`),
  });
}

function request(path: string): Pick<Parameters<NetworkDriver["connect"]>[0], "namespace" | "ports"> {
  return { namespace: { path }, ports: [{ protocol: "tcp", hostPort: 8080, containerPort: 80 }] };
}

function peer(bench: NetworkBench): Subject<Measure> {
  const lockFile = join(bench.directory, "cni.lock");
  const programs = new CniPrograms({ directories: DIRECTORIES, hostNamespace: bench.hostPath, lockFile });
  const chain = new CniChain(programs);
  const list = parseConflist(conflist(bench.directory), "bench");
  const portMappings = [{ hostPort: 8081, containerPort: 80, protocol: "tcp", hostIP: "127.0.0.1" }];
  const attachment = (namespace: string, round: number) => ({
    containerId: `peer-${round}`,
    interfaceName: "eth0",
    namespace,
  });
  let result: unknown;
  return subject(bench, PEER, {
    connect: async (path, round) => {
      result = await chain.add(list, attachment(path, round), { portMappings });
    },
    disconnect: (path, round) => chain.delete({ list, result }, attachment(path, round), { portMappings }),
  });
}

function conflist(directory: string): string {
  const ipam = {
    type: "host-local",
    dataDir: join(directory, "addresses"),
    ranges: [[{ subnet: "10.88.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const bridge = { type: "bridge", bridge: "cni-bench0", isGateway: true, ipMasq: true, hairpinMode: true, ipam };
  const plugins = [bridge, { type: "portmap", capabilities: { portMappings: true } }, { type: "firewall" }];
  return JSON.stringify({ cniVersion: "0.4.0", name: "bench", plugins });
}

function subject(
  bench: NetworkBench,
  name: string,
  { connect, disconnect }: Readonly<Record<Measure, Work>>,
): Subject<Measure> {
  let round = 0;
  return {
    name,
    async once() {
      round += 1;
      await using space = await bench.namespace();
      const begin = performance.now();
      await connect(space.net, round);
      const middle = performance.now();
      await disconnect(space.net, round);
      const end = performance.now();
      assert.deepEqual(await bench.interfaces(space.net), ["lo"]);
      return { connect: middle - begin, disconnect: end - middle };
    },
  };
}
