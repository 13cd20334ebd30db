import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { GrpcClient } from "@orlop/kernel/grpc";
import { ClientHost, patience, until } from "@orlop/testkit";
import { UNTIL_TERM } from "./client-scripts-fixture.ts";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import { CRI_API, CRI_STATE, NAMESPACE_OF } from "./cri-api-fixture.ts";
import { documentedBlock } from "./documented-block-fixture.ts";
import { IMAGE, SLEEPING_IMAGE, writeImageArchive } from "./image-archive-fixture.ts";

const PROGRAMS = { containerd: "containerd", ctr: "containerd" };
const SHIM = "containerd-shim-orlop-v1";
const CALL_MAX_MS = patience(60_000);
const MEMORY_MAX = 64 << 20;

/** What the plug-in keeps of a pod is in this namespace of containerd's. */
const NAMESPACE = "k8s.io";

/**
 * The document's configuration, and what a kubelet's machine has besides: an image for the process that holds a pod's
 * namespaces. Here it finds no registry and may have fewer privileges.
 */
function configuration(heading: string): string {
  return `${documentedBlock(heading, "toml")}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${SLEEPING_IMAGE}"
restrict_oom_score_adj = true
disable_apparmor = true
`;
}

interface Cri {
  readonly host: ClientHost;
  readonly client: GrpcClient;
}

async function withCri(
  t: TestContext,
  heading: string,
  programs: Readonly<Record<string, string>>,
  work: (cri: Cri) => Promise<void>,
): Promise<void> {
  const obstacle = clientObstacle({ ...PROGRAMS, ...programs });
  if (obstacle !== undefined) return t.skip(obstacle);
  await using host = await ClientHost.start("cri", { runtime: orlopOciCommand() });
  const [bin, config, socket] = ["bin", "config.toml", "socket"].map((name) => join(host.directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(bin);
  symlinkSync(join(import.meta.dirname, "../../bin", SHIM), join(bin, SHIM));
  writeFileSync(config, configuration(heading));
  const path = `${bin}:${process.env.PATH}`;
  const containerd = host.daemon("containerd", ["env", `PATH=${path}`, "containerd", "-a", socket, "-c", config]);
  const ctr = ["ctr", "--address", socket, "--namespace", NAMESPACE];
  await until("an answer of containerd", async () => (await host.call([...ctr, "version"])).exitCode === 0);
  await host.succeeds([...ctr, "images", "import", writeImageArchive(host.directory, { sleeping: true })]);
  using client = new GrpcClient(socket, { timeoutMs: CALL_MAX_MS });
  await work({ host, client });
  assert.equal(await host.succeeds([...ctr, "containers", "list", "--quiet"]), "");
  // The server of our own shim stays for a while, unless it is told not to.
  for (const line of host.processes().filter((each) => each.includes(`${SHIM} -namespace`))) {
    process.kill(Number.parseInt(line, 10), "SIGTERM");
  }
  await host.untilClean(
    [`/run/containerd/runc/${NAMESPACE}`, `/run/orlop/shim/groups${socket}@${NAMESPACE}/containers`],
    ["containerd -a"],
  );
  await containerd.end("SIGTERM");
}

/** The life of a pod with one container, as a kubelet has it; its network is the host's. */
async function runPod({ host, client }: Cri, pid: number): Promise<void> {
  const namespaceOptions = { network: NAMESPACE_OF.node, pid };
  const config = {
    metadata: { name: `pod${pid}`, uid: `uid${pid}`, namespace: "default" },
    logDirectory: join(host.directory, "logs"),
    linux: { cgroupParent: `/${host.mark}`, securityContext: { namespaceOptions } },
  };
  const { podSandboxId } = await client.call(CRI_API, "RunPodSandbox", { config });
  const { containerId } = await client.call(CRI_API, "CreateContainer", {
    podSandboxId,
    sandboxConfig: config,
    config: {
      metadata: { name: "lives" },
      image: { image: IMAGE },
      command: ["sh", "-c", UNTIL_TERM],
      logPath: `lives${pid}.log`,
      linux: {
        resources: { cpuShares: 512n, memoryLimitInBytes: BigInt(MEMORY_MAX) },
        securityContext: { namespaceOptions },
      },
    },
  });
  const status = async () => (await client.call(CRI_API, "ContainerStatus", { containerId })).status;
  assert.equal((await status())?.state, CRI_STATE.created);
  await client.call(CRI_API, "StartContainer", { containerId });
  const log = join(host.directory, "logs", `lives${pid}.log`);
  await until("what the container says", async () => / stdout F ready$/m.test(readFileSync(log, "utf8")));
  assert.equal((await status())?.state, CRI_STATE.running);
  const cmd = ["sh", "-c", "echo $(cat /proc/1/comm); echo problem >&2; exit 3"];
  const executed = await client.call(CRI_API, "ExecSync", { containerId, cmd });
  const first = pid === NAMESPACE_OF.pod ? "sleep\n" : "sh\n";
  const said = [executed.stdout, executed.stderr].map((text) => Buffer.from(text).toString());
  assert.deepEqual([executed.exitCode, ...said], [3, first, "problem\n"]);
  const { stats } = await client.call(CRI_API, "ContainerStats", { containerId });
  assert((stats?.memory?.workingSetBytes?.value ?? 0n) > 0n);
  const linux = { memoryLimitInBytes: BigInt(MEMORY_MAX / 2) };
  await client.call(CRI_API, "UpdateContainerResources", { containerId, linux });
  await client.call(CRI_API, "StopContainer", { containerId, timeout: BigInt(CALL_MAX_MS / 1000) });
  const { state, exitCode } = (await status()) ?? {};
  assert.deepEqual([state, exitCode], [CRI_STATE.exited, 5]);
  await client.call(CRI_API, "RemoveContainer", { containerId });
  await client.call(CRI_API, "StopPodSandbox", { podSandboxId });
  await client.call(CRI_API, "RemovePodSandbox", { podSandboxId });
}

suite("pods of containerd's plug-in for Kubernetes", () => {
  for (const [heading, programs] of [
    ["containerd", { "containerd-shim-runc-v2": "containerd" }],
    ["containerd, with orlop's own shim", {}],
  ] as const) {
    test(`live as the document says below "${heading}"`, (t) =>
      withCri(t, heading, programs, async (cri) => {
        await runPod(cri, NAMESPACE_OF.container);
        await runPod(cri, NAMESPACE_OF.pod);
      }));
  }
});
