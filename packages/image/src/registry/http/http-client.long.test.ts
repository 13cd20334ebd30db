import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { before, describe, test } from "node:test";
import { certificatesObstacle, makeCertificates, type TestCertificates } from "@orlop/testkit";
import { someBytes } from "../fixture-blobs-fixture.ts";
import { drainBody, readBody } from "../read-body.ts";
import { ScriptedServer } from "../scripted-server-fixture.ts";
import { ConnectionError } from "./connection-failure.ts";
import { HttpClient } from "./http-client.ts";
import type { ConnectionSettings, HttpRequest } from "./http-exchange.ts";

const content = someBytes(3_000_000);
const STALL_MS = 60_000;

async function whole(client: HttpClient, url: string, settings: ConnectionSettings, more: Partial<HttpRequest> = {}) {
  const request: HttpRequest = { method: "GET", url: new URL(url), headers: {}, stallMaxMs: STALL_MS, ...more };
  const response = await client.send(request, settings);
  const body = await readBody(response, { doing: "test", stallMaxMs: STALL_MS, maxBytes: 10_000_000 });
  return { status: response.status, headers: response.headers, body };
}

async function* halves(): AsyncGenerator<Buffer> {
  yield content.subarray(0, 1_500_000);
  yield content.subarray(1_500_000);
}

describe("HTTP/1.1", () => {
  test("uses a connection again, for bodies of every framing", async () => {
    const sockets = new Set<unknown>();
    await using server = await ScriptedServer.start((request, answer, socket) => {
      sockets.add(socket);
      if (request.url === "/none") answer.writeHead(204).end();
      else if (request.url === "/length") answer.writeHead(200, { "content-length": content.length }).end(content);
      else {
        answer.writeHead(200, { trailer: "x" });
        answer.write(content.subarray(0, 5));
        answer.addTrailers({ x: "y" });
        answer.end(content.subarray(5));
      }
    });
    using client = new HttpClient();
    const settings = {};
    for (const path of ["none", "length", "chunked", "none", "chunked", "length"]) {
      const { body } = await whole(client, `http://${server.host}/${path}`, settings);
      assert.ok(path === "none" ? body.length === 0 : body.equals(content), path);
    }
    const { body } = await whole(client, `http://${server.host}/length`, settings, { method: "HEAD" });
    assert.equal(body.length, 0);
    assert.equal(sockets.size, 1);
  });

  test("sends a body in pieces, and leaves the rest when the answer comes early", async () => {
    let received = 0;
    await using server = await ScriptedServer.start((request, answer) => {
      if (request.url === "/early") return void answer.writeHead(413, { connection: "close" }).end("no");
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => answer.writeHead(201).end());
    });
    using client = new HttpClient();
    const put = { method: "PUT", headers: { "content-length": String(content.length) } } as const;
    assert.equal((await whole(client, `http://${server.host}/`, {}, { ...put, body: halves() })).status, 201);
    assert.equal(received, content.length);
    const early = await whole(client, `http://${server.host}/early`, {}, { ...put, body: halves() });
    assert.equal(early.status, 413);
  });

  test("reads into the same memory again where nobody looks at it any more, and what comes is right", async () => {
    const times = 16;
    await using server = await ScriptedServer.start((_request, answer) => {
      answer.writeHead(200, { "content-length": times * content.length });
      for (let sent = 0; sent < times; sent++) answer.write(content);
      answer.end();
    });
    using client = new HttpClient();
    const request = {
      method: "GET",
      url: new URL(`http://${server.host}/`),
      headers: {},
      stallMaxMs: STALL_MS,
    } as const;
    const response = await client.send(request, {});
    const buffers = new Set<ArrayBufferLike>();
    const hash = createHash("sha256");
    const take = async (chunk: Buffer): Promise<void> => {
      buffers.add(chunk.buffer);
      hash.update(chunk);
    };
    await drainBody(response, take, { doing: "test", stallMaxMs: STALL_MS, untakenMaxBytes: 1_000_000 });
    const expected = createHash("sha256");
    for (let sent = 0; sent < times; sent++) expected.update(content);
    assert.equal(hash.digest("hex"), expected.digest("hex"));
    // Of 48 MB: what waits to be read and taken at once, and what was left when there were enough to be read into again.
    assert.ok(buffers.size <= 16, `${buffers.size}`);
  });

  test("reads a body that ends with the connection, but no other that does", async () => {
    await using server = await ScriptedServer.start((request, _answer, socket) => {
      const length = request.url === "/cut" ? "content-length: 9\r\n" : "";
      socket.end(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${length}\r\nhello`);
    });
    using client = new HttpClient();
    assert.equal((await whole(client, `http://${server.host}/`, {})).body.toString(), "hello");
    await assert.rejects(whole(client, `http://${server.host}/cut`, {}), /closed the connection/);
  });

  test("tells a connection that the server closed while it was idle", async () => {
    await using server = await ScriptedServer.start((request, answer, socket) => {
      if (request.url === "/second") socket.destroy();
      else answer.end("x");
    });
    using client = new HttpClient();
    const settings = {};
    await whole(client, `http://${server.host}/`, settings);
    await assert.rejects(
      whole(client, `http://${server.host}/second`, settings),
      (error) => error instanceof ConnectionError && error.wasIdle,
    );
  });

  test("refuses to send a header with a line break", async () => {
    await using server = await ScriptedServer.start((_request, answer) => answer.end());
    using client = new HttpClient();
    for (const value of ["a\r\nb: c", "a\0", "\u{100}"]) {
      await assert.rejects(whole(client, `http://${server.host}/`, {}, { headers: { a: value } }), /such a header "a"/);
    }
    assert.equal(server.seen.length, 0);
  });
});

const obstacle = certificatesObstacle();

describe("TLS", { skip: obstacle ?? false }, () => {
  let certificates: TestCertificates;

  before(() => {
    certificates = makeCertificates();
  });

  const secure = () => ({ cert: certificates.server.certificate, key: certificates.server.key });

  test("speaks HTTP/2 where the server does, several requests over one connection", async () => {
    const sessions = new Set<unknown>();
    const server = createSecureServer(secure());
    server.on("session", (session) => sessions.add(session));
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.respond({ ":status": headers[":path"] === "/no" ? 404 : 200 });
      if (headers[":method"] === "PUT") stream.pipe(stream);
      else stream.end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      using client = new HttpClient();
      const settings = { ca: [certificates.ca] };
      const url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
      const all = await Promise.all(["/a", "/b", "/no"].map((path) => whole(client, url + path, settings)));
      assert.deepEqual(
        all.map(({ status }) => status),
        [200, 200, 404],
      );
      for (const { body } of all) assert.ok(body.equals(content));
      const put = { method: "PUT", headers: { "content-length": String(content.length) }, body: halves() } as const;
      assert.ok((await whole(client, url, settings, put)).body.equals(content));
      assert.equal(sessions.size, 1);
    } finally {
      server.close();
    }
  });

  test("speaks HTTP/1.1 where the server knows nothing else", async () => {
    const server = createTlsServer(secure()) as unknown as Server;
    await using scripted = await ScriptedServer.start((_request, answer) => answer.end(content), server);
    using client = new HttpClient();
    const settings = { ca: [certificates.ca] };
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all([1, 2].map(() => whole(client, `https://${scripted.host}/`, settings)));
      for (const { body } of all) assert.ok(body.equals(content));
    }
  });

  test("refuses a certificate of an unknown authority, unless told not to", async () => {
    const server = createTlsServer(secure()) as unknown as Server;
    await using scripted = await ScriptedServer.start((_request, answer) => answer.end("x"), server);
    using client = new HttpClient();
    const url = `https://${scripted.host}/`;
    await assert.rejects(whole(client, url, {}), (error) => error instanceof ConnectionError);
    assert.equal((await whole(client, url, { skipVerify: true })).body.toString(), "x");
    assert.equal(scripted.seen.length, 1);
  });

  test("gives up a connection that is not made in time, by itself or through a proxy", async () => {
    // Takes connections and says nothing.
    const silent = createServer((socket) => socket.resume().on("error", () => {}));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    using client = new HttpClient();
    try {
      const url = `https://127.0.0.1:${port}/`;
      const proxy = new URL(`http://127.0.0.1:${port}`);
      for (const settings of [{}, { proxy }]) {
        await assert.rejects(whole(client, url, { ...settings, dialTimeoutMs: 20 }), /was silent for 0\.02 s/);
      }
    } finally {
      silent.close();
    }
  });

  test("shows a client's certificate", async () => {
    const options = { ...secure(), ca: certificates.ca, requestCert: true, rejectUnauthorized: true };
    const server = createTlsServer(options) as unknown as Server;
    await using scripted = await ScriptedServer.start((_request, answer) => answer.end("x"), server);
    using client = new HttpClient();
    const url = `https://${scripted.host}/`;
    const ca = [certificates.ca];
    const settings = { ca, clientCertificates: [certificates.client] };
    assert.equal((await whole(client, url, settings)).body.toString(), "x");
    await assert.rejects(whole(client, url, { ca }));
  });
});
