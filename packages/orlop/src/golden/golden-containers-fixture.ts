import type { Endpoint, PublishedPort } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { containerOf } from "../run/described-container-fixture.ts";

const HOUR_MS = 3_600_000;

/** A container, and what docker's daemon would say of it. */
interface GoldenContainer {
  readonly container: Container;
  readonly document: Readonly<Record<string, unknown>>;
}

/** In the middle of what is rounded: no moment changes what is printed. */
export function goldenContainers(nowMs: number): Readonly<Record<"web" | "job" | "still" | "made", GoldenContainer>> {
  const image = (text: string, digit: string): Container["image"] => ({ text, id: `sha256:${digit.repeat(64)}` });
  const hoursAgo = (hours: number): number => nowMs - (hours + 0.2) * HOUR_MS;
  const web = containerOf(
    {
      id: "1a".repeat(32),
      name: "web",
      createdAtMs: hoursAgo(50),
      image: image("nginx:latest", "1"),
      config: { Entrypoint: ["/docker-entrypoint.sh"], Cmd: ["nginx", "-g", "daemon off;"] },
      labels: { team: "a", "org.example.role": "front, end" },
      volumes: [{ name: "data", destination: "/data", isAnonymous: false }],
      network: { kind: "networks", attachments: [{ network: "lan", aliases: [] }], ports: [] },
    },
    { status: "running", pid: 42, startedAtMs: hoursAgo(3), endpoints: [endpoint(PORTS)] },
  );
  const job = containerOf(
    {
      id: "2b".repeat(32),
      name: "job",
      createdAtMs: hoursAgo(5),
      image: image("busybox", "2"),
      config: { Cmd: ["sh", "-c", 'echo "größer" & exit 3'] },
      network: { kind: "networks", attachments: [{ network: "bridge", aliases: [] }], ports: [] },
    },
    { status: "exited", exitCode: 3, startedAtMs: hoursAgo(5), finishedAtMs: hoursAgo(4) },
  );
  const still = containerOf(
    {
      id: "3c".repeat(32),
      name: "still_with_a_long_name",
      createdAtMs: hoursAgo(80),
      image: image("registry.example:5000/team/app:1.2.3", "3"),
      config: { Entrypoint: ["app"] },
      network: { kind: "host" },
      labels: { team: "b" },
    },
    { status: "paused", pid: 43, startedAtMs: hoursAgo(80) },
  );
  const made = containerOf(
    {
      id: "4d".repeat(32),
      name: "made",
      createdAtMs: hoursAgo(30 * 24),
      image: image("busybox", "2"),
      config: { Cmd: [] },
      network: { kind: "none" },
    },
    {},
  );
  return {
    web: { container: web, document: documentOf(web, "running", "Up 3 hours", ["lan"]) },
    job: { container: job, document: documentOf(job, "exited", "Exited (3) 4 hours ago", ["bridge"]) },
    still: { container: still, document: documentOf(still, "paused", "Up 3 days (Paused)", ["host"]) },
    made: { container: made, document: documentOf(made, "created", "Created", ["none"]) },
  };
}

/** One with some published ports, as chance has it: few numbers, so that they meet. */
export function portsContainer(index: number, nowMs: number, random: () => number): GoldenContainer {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const ports = Array.from({ length: 1 + Math.floor(random() * 5) }, (): Required<PublishedPort> => {
    const containerPort = pick([79, 80, 81, 90]);
    const hostPort = pick([containerPort, containerPort, 8080]);
    const hostAddress = pick(["0.0.0.0", "127.0.0.1", "::1"]);
    return { protocol: pick(["tcp", "udp"]), hostAddress, hostPort, containerPort, count: pick([1, 1, 2, 3]) };
  });
  const unique = ports.filter((port, at) => ports.findIndex((each) => overlaps(each, port)) === at);
  const id = index.toString(16).padStart(64, "0");
  const container = containerOf(
    { id, name: `ports${index}`, createdAtMs: nowMs },
    { status: "running", endpoints: [endpoint(unique)] },
  );
  return { container, document: documentOf(container, "running", "Up", ["lan"]) };
}

/** Two may not publish the same. */
function overlaps(a: Required<PublishedPort>, b: Required<PublishedPort>): boolean {
  if (a.protocol !== b.protocol || a.hostAddress !== b.hostAddress) return false;
  return a.hostPort < b.hostPort + b.count && b.hostPort < a.hostPort + a.count;
}

const PORTS: readonly Required<PublishedPort>[] = [
  { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80, count: 1 },
  { protocol: "tcp", hostAddress: "::1", hostPort: 8080, containerPort: 80, count: 1 },
  { protocol: "udp", hostAddress: "0.0.0.0", hostPort: 5000, containerPort: 5000, count: 2 },
];

function endpoint(ports: readonly Required<PublishedPort>[]): Endpoint {
  return {
    id: "e".repeat(64),
    network: "lan",
    interfaceName: "eth0",
    addresses: ["172.30.0.2/16"],
    hardwareAddress: "02:42:ac:1e:00:02",
    gateways: ["172.30.0.1"],
    routes: [],
    resolvers: { servers: [], search: [], options: [] },
    names: ["web"],
    ports,
    egress: "all",
    labels: {},
  };
}

/** An element of `/containers/json` (Docker Engine API 1.50, "List containers"). */
function documentOf(
  { id, name, image, config, createdAtMs, labels, volumes, state }: Container,
  status: string,
  text: string,
  networks: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    Id: id,
    Names: [`/${name}`],
    Image: image.text,
    ImageID: image.id,
    Command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" "),
    Created: Math.floor(createdAtMs / 1000),
    Ports: state.endpoints.flatMap(({ ports }) => ports.flatMap(portDocuments)),
    Labels: labels,
    State: status,
    Status: text,
    HostConfig: { NetworkMode: networks[0] },
    NetworkSettings: { Networks: Object.fromEntries(networks.map((network) => [network, {}])) },
    Mounts: volumes.map((volume) => ({
      Type: "volume",
      Name: volume.name,
      Source: "",
      Destination: volume.destination,
      Driver: "local",
      Mode: "",
      RW: true,
      Propagation: "",
    })),
  };
}

function portDocuments({ protocol, hostAddress, hostPort, containerPort, count }: Required<PublishedPort>): unknown[] {
  return Array.from({ length: count }, (_, index) => ({
    IP: hostAddress,
    PrivatePort: containerPort + index,
    PublicPort: hostPort + index,
    Type: protocol,
  }));
}
