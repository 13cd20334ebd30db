import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSilentServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import type { EngineContext } from "../engine-context.ts";
import type { ProbeResult } from "../health/container-health.ts";
import type { Container } from "../state/container-rows.ts";
import { connectProbe } from "./connect-probe.ts";

/** This process is the container, whose network it is. */
const CONTAINER = { name: "box", state: { pid: process.pid } } as Container;
const CONTEXT = { rootless: false } as EngineContext;

describe("a probe of a port", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  const statuses: Readonly<Record<string, number>> = { "/well": 204, "/moved": 302, "/ill": 503 };
  const seen: (string | undefined)[] = [];
  const web = createServer(({ url = "", headers }, answer) => {
    seen.push(headers.host);
    answer.writeHead(statuses[url] ?? 404).end("text");
  });
  /** Takes connections and says nothing. */
  const silent = createSilentServer();
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const ask = (path: string, headers: readonly { name: string; value: string }[] = []): Promise<ProbeResult> =>
    connectProbe(CONTEXT, CONTAINER, { kind: "http", port: portOf(web), path, headers }, 60_000);

  before(async () => {
    for (const server of [web, silent]) {
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    }
  });
  after(() => {
    for (const server of [web, silent]) server.close();
  });

  test("succeeds where the answer is from 200 to 399, and fails otherwise", async () => {
    for (const path of ["/well", "/moved"]) assert.deepEqual([path, (await ask(path)).exitCode], [path, 0]);
    const { exitCode, output } = await ask("/ill");
    assert.deepEqual([exitCode, output], [1, "the answer is no success"]);
    await ask("/well", [{ name: "host", value: "example" }]);
    assert.deepEqual([seen[0], seen.at(-1)], [`localhost:${portOf(web)}`, "example"]);
  });

  test("connects, and says so where nobody listens or answers", async () => {
    const port = portOf(silent);
    assert.equal((await connectProbe(CONTEXT, CONTAINER, { kind: "tcp", port }, 60_000)).exitCode, 0);
    const late = await connectProbe(CONTEXT, CONTAINER, { kind: "http", port, path: "/", headers: [] }, 20);
    assert.equal(late.exitCode, 1);
    assert.match(late.output, /read the answer/);
    const free = createSilentServer();
    await new Promise<void>((resolve) => void free.listen(0, "127.0.0.1", resolve));
    const unused = portOf(free);
    await new Promise<void>((resolve) => void free.close(() => resolve()));
    const refused = await connectProbe(CONTEXT, CONTAINER, { kind: "tcp", port: unused }, 60_000);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.output, new RegExp(`connect to port ${unused}`));
  });
});
