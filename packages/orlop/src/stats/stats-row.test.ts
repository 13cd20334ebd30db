import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { generateId, shortId } from "@orlop/core";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";
import { OutputFormat } from "../format/output-format.ts";
import { valueJson } from "../format/template/value-json.ts";
import { parseTraffic } from "./network-traffic.ts";
import { STATS_HEADINGS, STATS_TABLE, type StatsReading, statsRow } from "./stats-row.ts";

const ID = generateId();
const MIB = 1024n * 1024n;
const NONE: StatsReading = { id: ID, name: "box", asked: "box", stats: undefined, network: undefined };

function reading(usageNanoseconds: bigint, readAtMs: number): StatsReading {
  const stats = {
    readAtMs,
    cpu: { usageNanoseconds, userNanoseconds: 0n, systemNanoseconds: 0n },
    memory: { usageBytes: 40n * MIB, workingSetBytes: 32n * MIB, limitBytes: 128n * MIB, oomKills: 0n },
    pids: { current: 3, limit: undefined },
    io: { readBytes: 1234n, writeBytes: 5_678_901n },
  };
  return { ...NONE, stats, network: { receivedBytes: 1500n, sentBytes: 2n } };
}

const row = (now: StatsReading, earlier?: StatsReading) =>
  statsRow(now, { earlier, memoryBytes: Number(1024n * MIB), isWhole: false });

describe("what a container takes", () => {
  test("is told as docker does", () => {
    assert.deepEqual(JSON.parse(valueJson(row(reading(2_500_000_000n, 2000), reading(1_000_000_000n, 1000)))), {
      BlockIO: "1.23kB / 5.68MB",
      CPUPerc: "150.00%",
      Container: "box",
      ID: shortId(ID),
      MemPerc: "25.00%",
      MemUsage: "32MiB / 128MiB",
      Name: "box",
      NetIO: "1.5kB / 2B",
      PIDs: "3",
    });
  });

  test("is nothing of one that does not run, and unknown where the kernel does not count", () => {
    const idle = JSON.parse(valueJson(row(NONE)));
    assert.deepEqual([idle.CPUPerc, idle.MemUsage, idle.MemPerc, idle.PIDs], ["0.00%", "0B / 0B", "0.00%", "0"]);
    const unknown = JSON.parse(valueJson(row({ ...NONE, stats: { readAtMs: 0 } })));
    assert.deepEqual(
      [unknown.CPUPerc, unknown.MemUsage, unknown.MemPerc, unknown.BlockIO, unknown.PIDs],
      ["--", "-- / --", "--", "-- / --", "--"],
    );
  });
});

test("traffic is that of all interfaces but the loopback", () => {
  const heading = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n";
  const line = (name: string, received: number, sent: number) =>
    ` ${name}: ${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0\n`;
  assert.deepEqual(parseTraffic(heading + line("lo", 100, 100) + line("eth0", 5, 7) + line("eth1.2", 10, 20)), {
    receivedBytes: 15n,
    sentBytes: 27n,
  });
});

test("docker's client prints the same table", { skip: await dockerClientObstacle() }, async () => {
  const cpu = (total: number, system: number) => ({
    cpu_usage: { total_usage: total },
    system_cpu_usage: system,
    online_cpus: 2,
  });
  await using docker = await DockerClient.start({
    "/containers/box/stats": {
      id: ID,
      name: "/box",
      read: "2026-01-02T03:04:05Z",
      cpu_stats: cpu(2_500_000_000, 4_000_000_000),
      precpu_stats: cpu(1_000_000_000, 2_000_000_000),
      memory_stats: { usage: Number(40n * MIB), limit: Number(128n * MIB), stats: { inactive_file: Number(8n * MIB) } },
      pids_stats: { current: 3 },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: "read", value: 1234 },
          { op: "write", value: 5_678_901 },
        ],
      },
      networks: { eth0: { rx_bytes: 1500, tx_bytes: 2 } },
    },
  });
  const rows = [row(reading(2_500_000_000n, 2000), reading(1_000_000_000n, 1000))];
  const { stdout, stderr } = await docker.run("stats", "--no-stream", "box");
  assert.equal(stderr, "");
  assert.equal(stdout, new OutputFormat("table", STATS_TABLE).text(rows, STATS_HEADINGS));
  const json = await docker.run("stats", "--no-stream", "--format", "json", "box");
  assert.equal(json.stdout, new OutputFormat("json", STATS_TABLE).text(rows, STATS_HEADINGS));
});
