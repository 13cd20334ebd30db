import assert from "node:assert/strict";
import { test } from "node:test";
import { generateProbes } from "../generate-probes.ts";
import { CONTAINER } from "./kube-fields.ts";
import { KubeNode } from "./kube-node.ts";
import { readProbes } from "./kube-probe.ts";

const read = (values: object) => readProbes(new KubeNode("c", { name: "c", ...values }).object(CONTAINER));
const times = { initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1000, successThreshold: 1, failureThreshold: 3 };

test("probes are read with Kubernetes' values for what they do not say", () => {
  assert.equal(read({}), undefined);
  const ports = [{ name: "web", containerPort: 8080 }];
  const found = read({
    ports,
    startupProbe: { tcpSocket: { port: "web" }, failureThreshold: 30, periodSeconds: 1 },
    livenessProbe: { exec: { command: ["test", "-e", "/well"] } },
    readinessProbe: { httpGet: { port: 80, path: "ok", httpHeaders: [{ name: "A", value: "b" }], scheme: "HTTP" } },
  });
  assert.deepEqual(found, {
    startup: { action: { kind: "tcp", port: 8080 }, ...times, periodMs: 1000, failureThreshold: 30 },
    liveness: { action: { kind: "exec", args: ["test", "-e", "/well"] }, ...times },
    readiness: { action: { kind: "http", port: 80, path: "/ok", headers: [{ name: "A", value: "b" }] }, ...times },
  });
  assert.deepEqual(read(generateProbes(found)), found, "what is generated is read as the same");
});

test("probes that are none are refused by their paths", () => {
  for (const [probe, message] of [
    [{}, /c.livenessProbe.*one of exec/],
    [{ exec: { command: ["x"] }, tcpSocket: { port: 1 } }, /one of exec/],
    [{ exec: { command: [] } }, /its command is empty/],
    [{ grpc: { port: 1 } }, /c.livenessProbe.grpc.*a program/],
    [{ httpGet: { port: "web" } }, /httpGet.port.*no port of the container/],
    [{ httpGet: { port: 0 } }, /httpGet.port.*from 1/],
    [{ httpGet: { port: 1, scheme: "HTTPS" } }, /scheme.*it is HTTP/],
    [{ httpGet: { port: 1, host: "example" } }, /host.*localhost/],
    [{ httpGet: { port: 1, path: "/a b" } }, /path.*blanks/],
    [{ httpGet: { port: 1, httpHeaders: [{ name: "a:", value: "b" }] } }, /name.*no name/],
    [{ httpGet: { port: 1, httpHeaders: [{ name: "a", value: "b\nc" }] } }, /value.*one line/],
    [{ tcpSocket: { port: 1 }, periodSeconds: 0 }, /periodSeconds.*from 1/],
  ] as const) {
    assert.throws(() => read({ livenessProbe: probe }), message, JSON.stringify(probe));
  }
});
