import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlainly } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect as connectPlainly, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { after, afterEach, before, describe, test } from "node:test";
import { connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { CertificateAuthority } from "./certificates/certificate-authority.ts";
import type { SecretPlace } from "./placed-secret.ts";
import type { SecretHost } from "./secret-host.ts";
import { SecretProxy } from "./secret-proxy.ts";
import { OtherWorld } from "./secret-proxy-fixture.ts";

const VALUE = "the-real-value-of-the-key";
const PLACEHOLDER = "orlop-secret-0123456789abcdef";

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly content: string;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: string;
  readonly servername?: string;
}

describe("a proxy that puts secrets in", () => {
  const authority = new CertificateAuthority("of the world");
  const trustedBefore = getCACertificates("default");
  const directory = mkdtempSync(join(tmpdir(), "orlop-secret-proxy-"));
  let world: OtherWorld;
  let proxy: SecretProxy;
  let isAllowed = true;
  let path = "";
  let made = 0;
  before(async () => {
    setDefaultCACertificates([authority.certificate]);
    world = await OtherWorld.start(authority, ["api.localhost", "other.localhost"]);
  });
  after(async () => {
    setDefaultCACertificates(trustedBefore);
    await world[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => proxy[Symbol.asyncDispose]());

  const api = (): SecretHost => ({ scheme: "https", name: "api.localhost", port: world.port });
  const other = (): SecretHost => ({ scheme: "https", name: "other.localhost", port: world.port });

  async function open(hosts: readonly SecretHost[] = [api()], ...places: readonly SecretPlace[]): Promise<void> {
    isAllowed = true;
    const secret = {
      value: VALUE,
      placeholder: PLACEHOLDER,
      hosts,
      places: places.length === 0 ? ["headers" as const] : places,
    };
    // Known to the proxy, without a secret for it.
    const nothing = { value: "nothing-of-the-kind", placeholder: "orlop-secret-f", hosts: [other()], places: [] };
    proxy = new SecretProxy({ secrets: [secret, nothing], mayReach: () => isAllowed });
    path = join(directory, `${++made}`);
    await proxy.listen(hosts[0]?.port ?? 0, path);
  }

  function secured(servername: string, ALPNProtocols?: string[]): TLSSocket {
    return connect({ path, servername, ca: proxy.certificate, ...(ALPNProtocols && { ALPNProtocols }) });
  }

  async function ask(asked: Asked = {}): Promise<Answer> {
    const { headers, content, servername = "api.localhost", ...rest } = asked;
    const options = { ...rest, host: "api.localhost", port: world.port, headers: headers ?? {} };
    const sent = request({ ...options, createConnection: () => secured(servername) });
    sent.end(content);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return { status: answer.statusCode, headers: answer.headers, content: await text(answer) };
  }

  /** Sends bytes as they are, and takes all that comes. */
  async function send(socket: Socket, bytes: string): Promise<string> {
    socket.end(bytes);
    return (await buffer(socket)).toString("latin1");
  }

  test("puts the value in the place of its placeholder, and the placeholder in the answer", async () => {
    await open();
    const { status, headers, content } = await ask({ path: "/a?b=c", headers: { "X-Key": PLACEHOLDER } });
    assert.deepEqual([status, headers["x-echo"]], [200, `/a?b=c ${PLACEHOLDER}`]);
    const [seen] = world.take();
    assert.equal(seen?.headers["x-key"], VALUE);
    assert.equal(seen?.headers.host, `api.localhost:${world.port}`);
    assert.deepEqual(JSON.parse(content).headers["x-key"], PLACEHOLDER);
    assert.ok(!JSON.stringify([headers, content]).includes(VALUE));
  });

  test("puts it into content and paths only where that was asked for", async () => {
    await open([api()], "body", "url");
    const headers = { "content-type": "application/json", "x-key": PLACEHOLDER };
    const content = JSON.stringify({ key: PLACEHOLDER });
    await ask({ method: "POST", path: `/${PLACEHOLDER}`, headers, content });
    const [seen] = world.take();
    assert.deepEqual([seen?.url, seen?.content], [`/${VALUE}`, JSON.stringify({ key: VALUE })]);
    assert.equal(seen?.headers["x-key"], PLACEHOLDER);
  });

  test("leaves a placeholder that goes to another server what it is", async () => {
    await open();
    const headers = { host: `other.localhost:${world.port}`, "x-key": PLACEHOLDER };
    assert.equal((await ask({ servername: "other.localhost", headers })).status, 200);
    assert.equal(world.take()[0]?.headers["x-key"], PLACEHOLDER);
  });

  test("passes on nothing where the names in a request are not one", async () => {
    await open();
    const refused = [
      { headers: { host: `other.localhost:${world.port}`, "x-key": PLACEHOLDER } },
      { headers: { host: "api.localhost", "x-key": PLACEHOLDER } },
      { headers: { host: "evil.example", "x-key": PLACEHOLDER } },
      { servername: "other.localhost", headers: { "x-key": PLACEHOLDER } },
    ];
    for (const asked of refused) assert.equal((await ask(asked)).status, 421);
    assert.equal((await ask({ path: `https://other.localhost:${world.port}/` })).status, 400);
    assert.equal((await ask({ method: "TRACE" })).status, 405);
    await assert.rejects(ask({ servername: "evil.example" }), { code: /^ERR_SSL|^ECONNRESET/ });
    assert.deepEqual(world.take(), []);
  });

  test("refuses what could be read as two requests or one", async () => {
    await open();
    const head = `POST / HTTP/1.1\r\nHost: api.localhost:${world.port}\r\nX-Key: ${PLACEHOLDER}\r\n`;
    const hidden = `GET /hidden HTTP/1.1\r\nHost: api.localhost:${world.port}\r\n\r\n`;
    const smuggled = [
      `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`,
      `${head}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `${head}Transfer-Encoding: xchunked\r\n\r\n${hidden}`,
      `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${hidden}`,
      `${head}Content-Length : 0\r\n\r\n${hidden}`,
      `${head}X: a\nContent-Length: 0\r\n\r\n`,
    ];
    for (const bytes of smuggled) {
      assert.match(await send(secured("api.localhost"), bytes), /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
    }
    assert.deepEqual(world.take(), []);
  });

  test("asks only servers that have shown a certificate of their name", async () => {
    const wrongName = { ...api(), name: "wrong.localhost" };
    await open([wrongName]);
    const headers = { host: `wrong.localhost:${world.port}`, "x-key": PLACEHOLDER };
    const { status, content } = await ask({ servername: "wrong.localhost", headers });
    const why = "ERR_TLS_CERT_ALTNAME_INVALID";
    assert.deepEqual([status, content], [502, `orlop: cannot reach wrong.localhost:${world.port}: ${why}\n`]);
    setDefaultCACertificates([]);
    try {
      await proxy[Symbol.asyncDispose]();
      await open();
      assert.equal((await ask({ headers: { "x-key": PLACEHOLDER } })).status, 502);
    } finally {
      setDefaultCACertificates([authority.certificate]);
    }
    assert.deepEqual(world.take(), []);
  });

  test("does not go where a policy no longer lets it, and ends what has gone there", async () => {
    await open();
    const sent = request({
      ...{ host: "api.localhost", port: world.port, path: "/wait" },
      createConnection: () => secured("api.localhost"),
    });
    sent.end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    await once(answer, "data");
    isAllowed = false;
    proxy.recheck();
    await assert.rejects(text(answer), { code: "ECONNRESET" });
    const { status, content } = await ask();
    assert.deepEqual([status, content], [403, `orlop: the sandbox may not reach api.localhost:${world.port}\n`]);
    assert.equal(world.take().length, 1);
  });

  test("reads what the server has compressed, and refuses what it cannot read", async () => {
    await open();
    world.next = { headers: { "content-encoding": "gzip" }, content: gzipSync(`a ${VALUE} b`) };
    const { headers, content } = await ask({ headers: { "accept-encoding": "gzip" } });
    assert.deepEqual([headers["content-encoding"], content], [undefined, `a ${PLACEHOLDER} b`]);
    assert.equal(world.take()[0]?.headers["accept-encoding"], "identity");
    world.next = { headers: { "content-encoding": "compress" }, content: Buffer.from(VALUE) };
    assert.equal((await ask()).status, 502);
    world.take();
  });

  test("keeps heads without content and redirections as they are", async () => {
    await open();
    world.next = { status: 302, headers: { location: `https://evil.example/?key=${VALUE}`, "alt-svc": 'h3=":1"' } };
    const { status, headers } = await ask();
    assert.deepEqual([status, headers.location], [302, `https://evil.example/?key=${PLACEHOLDER}`]);
    assert.equal(headers["alt-svc"], undefined);
    world.next = { headers: { "content-length": "12345" } };
    const { headers: ofHead } = await ask({ method: "HEAD" });
    assert.equal(ofHead["content-length"], "12345");
    world.take();
  });

  test("carries content of any length both ways as it comes", async () => {
    await open();
    const content = "x".repeat(3_000_000);
    const { content: echo } = await ask({ method: "PUT", path: "/back", content });
    assert.ok(echo === content);
    assert.equal(world.take()[0]?.headers["content-length"], `${content.length}`);
  });

  test("speaks HTTP/2 with who wants that", async () => {
    await open();
    const createConnection = (): TLSSocket => secured("api.localhost", ["h2"]);
    const session = connectHttp2(`https://api.localhost:${world.port}`, { createConnection });
    const get = async (headers: Readonly<Record<string, string>>, content?: string): Promise<unknown[]> => {
      const stream = session.request(headers);
      stream.end(content);
      const [answer] = await once(stream, "response");
      return [answer[":status"], answer["x-echo"], await text(stream)];
    };
    const key = { "x-key": PLACEHOLDER };
    const got = await get({ ":path": "/a", ...key });
    assert.deepEqual(got.slice(0, 2), [200, `/a ${PLACEHOLDER}`]);
    const put = await get({ ":path": "/back", ":method": "PUT", ...key }, "content");
    assert.equal(put[2], "content");
    assert.deepEqual(
      world.take().map(({ headers, content }) => [headers["x-key"], content]),
      [
        [VALUE, ""],
        [VALUE, "content"],
      ],
    );
    assert.equal((await get({ ":authority": "other.localhost", ...key }))[0], 421);
    assert.deepEqual(world.take(), []);
    for (const odd of [
      { status: 999, headers: {} },
      {
        headers: [
          ["etag", "1"],
          ["etag", VALUE],
        ].flat(),
      },
    ]) {
      world.next = odd;
      const [status, , content] = await get({ ":path": "/", ...key });
      assert.deepEqual([status, content], [502, "orlop: the head of the server's answer cannot be passed on\n"]);
    }
    world.take();
    session.close();
    assert.deepEqual(world.take(), []);
  });

  test("makes WebSockets, whose request has the secret in it", async () => {
    await open();
    const head = `GET /chat HTTP/1.1\r\nHost: api.localhost:${world.port}\r\nX-Key: ${PLACEHOLDER}\r\n`;
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n";
    const socket = secured("api.localhost");
    socket.write(`${head}${upgrade}frames`);
    let said = "";
    for await (const chunk of socket) {
      said += chunk;
      if (said.endsWith("FRAMES")) break;
    }
    assert.match(said, new RegExp(`^HTTP/1\\.1 101 [^]*X-Key: ${PLACEHOLDER}\\r\\n[^]*\\r\\n\\r\\nFRAMES$`));
    assert.equal(world.take()[0]?.headers["x-key"], VALUE);
  });

  test("speaks plainly with servers that are asked plainly, and with no others", async () => {
    await open([{ scheme: "http", name: "plain.localhost", port: world.plainPort }]);
    const headers = { host: `plain.localhost:${world.plainPort}`, "x-key": PLACEHOLDER };
    const sent = requestPlainly({ socketPath: path, headers, agent: false });
    sent.end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    await text(answer);
    assert.equal(world.take()[0]?.headers["x-key"], VALUE);
    const unknown = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert.match(await send(connectPlainly(path), unknown), /^HTTP\/1\.1 421 /);
    assert.match(await send(connectPlainly(path), "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), /^$|^HTTP\/1\.1 4/);
  });
});
