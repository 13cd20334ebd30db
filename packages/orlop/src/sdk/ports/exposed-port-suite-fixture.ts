import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";
import { Sandbox, type SandboxProcess } from "../../index.ts";

interface ExposeSuiteOptions {
  readonly skip: string | false;
  readonly stateDirectory: string;
}

/** Answers each connection with all that it was sent, in capitals, once that has ended. */
const SERVER = `
  const { createServer } = require("node:net");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => socket.end(Buffer.concat(chunks).toString().toUpperCase()));
  });
  server.listen(8080, process.argv[1], () => console.log("listening"));
`;

const WEB_SERVER = `
  require("node:http").createServer((request, response) => response.end("at " + request.url))
    .listen(8080, "127.0.0.1", () => console.log("listening"));
`;

/** What exposed ports promise, for whoever runs the sandbox. */
export function exposedPortSuite({ skip, stateDirectory }: ExposeSuiteOptions): void {
  const ids: string[] = [];
  const create = async (): Promise<Sandbox> => {
    const box = await Sandbox.create({ image: "host" });
    ids.push(box.id);
    return box;
  };

  describe("an exposed port", { skip }, () => {
    test("carries connections to what listens on the sandbox's loopback, with all that is sent either way", async () => {
      await using box = await create();
      await using exposed = await box.expose(8080);
      assert.deepEqual([exposed.host, exposed.url], ["127.0.0.1", `http://127.0.0.1:${exposed.port}`]);
      for (const address of ["127.0.0.1", "::1"]) {
        await using _ = await listening(box, SERVER, address);
        const texts = ["a", "b".repeat(300_000), ""];
        const answers = await Promise.all(texts.map((text) => ask(exposed.port, text)));
        assert.deepEqual(
          answers,
          texts.map((text) => text.toUpperCase()),
        );
      }
    });

    test("serves what speaks HTTP", async () => {
      await using box = await create();
      await using _ = await listening(box, WEB_SERVER);
      await using exposed = await box.expose(8080);
      const answer = await fetch(`${exposed.url}/x`);
      assert.equal(await answer.text(), "at /x");
    });

    test("resets connections where nobody listens, and ends those that are there with itself and the sandbox", async () => {
      await using box = await create();
      await using exposed = await box.expose(8080);
      await assert.rejects(ask(exposed.port, "a"), { code: "ECONNRESET" });
      await using _ = await listening(box, SERVER, "127.0.0.1");
      for (const end of [exposed, box]) {
        const again = end === box ? await box.expose(8080, { hostPort: exposed.port }) : exposed;
        const socket = connect(again.port, "127.0.0.1");
        await once(socket, "connect");
        const closed = once(
          socket.on("error", () => {}),
          "close",
        );
        await end[Symbol.asyncDispose]();
        await closed;
        await assert.rejects(ask(exposed.port, "a"), { code: "ECONNREFUSED" });
      }
      await assert.rejects(box.expose(8080), { code: "conflict", message: /it was closed/ });
    });

    test("is refused where it cannot be", async () => {
      await using box = await create();
      for (const port of [0, 65_536, 1.5]) await assert.rejects(box.expose(port), { code: "invalid" });
      await assert.rejects(box.expose(80, { hostPort: 0 }), { code: "invalid", field: "hostPort" });
      await using taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const address = taken.address();
      assert.ok(typeof address === "object" && address !== null);
      const asked = box.expose(80, { hostPort: address.port });
      await assert.rejects(asked, { code: "conflict", message: /is taken/ });
      await using shared = await Sandbox.create({ image: "host", network: "host" });
      await assert.rejects(shared.expose(80), { code: "conflict", message: /this machine's network/ });
    });

    test("leaves nothing", async () => {
      assert.deepEqual(await findLeftovers(ids, stateDirectory), []);
    });
  });
}

/** A server in the sandbox, once it listens. */
async function listening(box: Sandbox, script: string, ...args: readonly string[]): Promise<AsyncDisposable> {
  const server: SandboxProcess = box.spawn([process.execPath, "-e", script, ...args]);
  const loop = server[Symbol.asyncIterator]();
  const first = await loop.next();
  assert.equal(first.value?.data.toString(), "listening\n");
  return server;
}

/** Sends the text and its end, and takes all that comes. */
async function ask(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.end(text);
  await once(socket, "end");
  return Buffer.concat(chunks).toString();
}
