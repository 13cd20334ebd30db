import type { ContainerProbe, ContainerProbes, ProbeAction } from "@orlop/engine";
import { CONTAINER, PORT, PROBE, PROBE_EXEC, PROBE_HEADER, PROBE_HTTP, PROBE_TCP } from "./kube-fields.ts";
import type { KubeNode, KubeObject } from "./kube-node.ts";

const FIELDS = { startup: "startupProbe", liveness: "livenessProbe", readiness: "readinessProbe" } as const;
const SECONDS_MAX = 1_000_000;
const COUNT_MAX = 1_000_000;
const PORT_MAX = 65_535;

/** The probes of a container; undefined where it has none. */
export function readProbes(container: KubeObject): ContainerProbes | undefined {
  const found = Object.entries(FIELDS).flatMap(([name, field]) =>
    container.has(field) ? [[name, readProbe(container.at(field), container)] as const] : [],
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** @throws OrlopError `invalid` for a container that runs to its end before there is anything to probe */
export function refuseProbes(node: KubeNode): void {
  const container = node.object(CONTAINER);
  const field = Object.values(FIELDS).find((name) => container.has(name));
  if (field !== undefined) throw container.at(field).invalid("a container that only prepares for the others has none");
}

function readProbe(node: KubeNode, container: KubeObject): ContainerProbe {
  const object = node.object(PROBE);
  const number = (name: string, otherwise: number, min: number, max: number): number =>
    object.maybe(name, (each) => each.integer(min, max)) ?? otherwise;
  const milliseconds = (name: string, seconds: number, min: number): number =>
    number(name, seconds, min, SECONDS_MAX) * 1000;
  return {
    action: readAction(node, object, container),
    initialDelayMs: milliseconds("initialDelaySeconds", 0, 0),
    periodMs: milliseconds("periodSeconds", 10, 1),
    timeoutMs: milliseconds("timeoutSeconds", 1, 1),
    successThreshold: number("successThreshold", 1, 1, COUNT_MAX),
    failureThreshold: number("failureThreshold", 3, 1, COUNT_MAX),
  };
}

function readAction(node: KubeNode, object: KubeObject, container: KubeObject): ProbeAction {
  const [kind, ...others] = (["exec", "httpGet", "tcpSocket"] as const).filter((name) => object.has(name));
  if (kind === undefined || others.length > 0) throw node.invalid("it has one of exec, httpGet and tcpSocket");
  if (kind === "exec") {
    const args = object.at(kind).object(PROBE_EXEC).needed("command").list();
    if (args.length === 0) throw object.at(kind).invalid("its command is empty");
    return { kind: "exec", args: args.map((each) => each.text()) };
  }
  const where = object.at(kind).object(kind === "httpGet" ? PROBE_HTTP : PROBE_TCP);
  where.maybe("host", (each) => each.word("localhost", "127.0.0.1"));
  const port = readPort(where.needed("port"), container);
  if (kind === "tcpSocket") return { kind: "tcp", port };
  where.maybe("scheme", (each) => each.word("HTTP"));
  const path = where.maybe("path", readPath) ?? "/";
  return { kind: "http", port, path, headers: where.at("httpHeaders").list().map(readHeader) };
}

function readPath(node: KubeNode): string {
  const text = node.text();
  if (/[\s\0]/.test(text)) throw node.invalid("there are blanks in it");
  return text.startsWith("/") ? text : `/${text}`;
}

function readHeader(node: KubeNode): { readonly name: string; readonly value: string } {
  const object = node.object(PROBE_HEADER);
  const [name, value] = [object.needed("name").text(), object.needed("value").text()];
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw object.at("name").invalid("it is no name of a header");
  if (/[\r\n\0]/.test(value)) throw object.at("value").invalid("a header is one line");
  return { name, value };
}

/** A number, or the name of one of the container's ports. */
function readPort(node: KubeNode, container: KubeObject): number {
  if (node.isNumber) return node.integer(1, PORT_MAX);
  const name = node.text();
  for (const each of container.at("ports").list()) {
    const port = each.object(PORT);
    if (port.maybe("name", (own) => own.text()) === name) return port.needed("containerPort").integer(1, PORT_MAX);
  }
  throw node.invalid("it is no port of the container");
}
