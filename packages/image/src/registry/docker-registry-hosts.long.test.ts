import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { OrlopError, parseReference } from "@orlop/core";
import {
  certificatesObstacle,
  DockerRegistry,
  dockerRegistryObstacle,
  makeCertificates,
  temporaryDirectory,
} from "@orlop/testkit";
import { describeBytes, pushImage, someBytes } from "./fixture-blobs-fixture.ts";
import { hostsOfMachine } from "./hosts/hosts-of-machine.ts";
import { MemoryIngest } from "./memory-ingest-fixture.ts";
import { RegistryClient, type RegistryClientOptions } from "./registry-client.ts";
import { ScriptedServer, serveRange } from "./scripted-server-fixture.ts";

const obstacle = dockerRegistryObstacle() ?? certificatesObstacle();
const options = { skip: obstacle ?? false };
const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, attemptsMax: 2 };

/** A machine with these files in its directory of hosts. */
function machine(path: string, files: Readonly<Record<string, string>>): RegistryClientOptions {
  const conf = join(path, "registries.conf");
  writeFileSync(conf, "");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, "hosts", name, ".."), { recursive: true });
    writeFileSync(join(path, "hosts", name), content);
  }
  const env = { HOME: path, CONTAINERS_REGISTRIES_CONF: conf };
  return { hosts: hostsOfMachine({ env, hostsDirs: [join(path, "hosts")] }), limits: LIMITS };
}

describe("a registry over TLS on this machine", options, () => {
  test("is trusted and trusts by the certificates of its directory", async () => {
    using directory = temporaryDirectory();
    const { ca, server, client: own } = makeCertificates();
    await using registry = await DockerRegistry.start({ tls: { ...server, clientCa: ca } });
    const reference = parseReference(`${registry.host}/app`);
    const files = { "ca.crt": ca, "own.cert": own.certificate, "own.key": own.key };
    const named = Object.entries(files).map(([name, content]) => [`${registry.host}/${name}`, content]);
    using client = new RegistryClient(machine(directory.path, Object.fromEntries(named)));
    const { target } = await pushImage(client.sink(reference), [someBytes(100_000)]);
    const [image] = await client.source(reference).images();
    assert.deepEqual(image?.target, target);
  });

  test("whose certificate nobody has vouched for is refused by that name, and taken when any will do", async () => {
    await using registry = await DockerRegistry.start({ tls: makeCertificates().server });
    const reference = parseReference(`${registry.host}/app`);
    using client = new RegistryClient({ limits: LIMITS });
    await assert.rejects(
      client.source(reference).images(),
      /^OrlopError: Cannot find image ".*": 127\.0\.0\.1:\d+ has a certificate that is not trusted .*\nTry putting/,
    );
    using lax = new RegistryClient({ limits: LIMITS, insecure: true });
    await pushImage(lax.sink(reference), [someBytes(1_000)]);
    assert.equal((await lax.source(reference).images()).length, 1);
  });
});

describe("a mirror", options, () => {
  test("that is down or lacks the image is passed over, and what it has comes from it", async () => {
    using directory = temporaryDirectory();
    await using registry = await DockerRegistry.start();
    await using mirror = await ScriptedServer.start((_request, answer) => answer.writeHead(404).end());
    await using cache = await DockerRegistry.start({ proxyOf: `http://${registry.host}` });
    const hosts = ["http://127.0.0.1:1", `http://${mirror.host}`, `http://${cache.host}`];
    const toml = hosts.map((host) => `[host."${host}"]\ncapabilities = ["pull", "resolve"]\n`).join("");
    using client = new RegistryClient(machine(directory.path, { [`${registry.host}/hosts.toml`]: toml }));
    const reference = parseReference(`${registry.host}/team/app`);
    const content = someBytes(100_000);
    const { layers } = await pushImage(client.sink(reference), [content]);
    const [layer] = layers;
    assert.ok(layer !== undefined);
    const source = client.source(reference);
    await source.images();
    const ingest = new MemoryIngest(layer);
    await source.download(layer, ingest);
    await ingest.commit();
    assert.ok(mirror.seen.some(({ url }) => url.startsWith("/v2/team/app/manifests/latest?ns=127.0.0.1")));
    assert.ok(mirror.seen.every(({ method }) => method === "GET"));
    await assert.rejects(client.source({ ...reference, tag: "absent" }).images(), (error) => {
      assert.ok(error instanceof OrlopError);
      assert.equal(error.code, "not-found");
      assert.match(error.message, /answered 404: MANIFEST_UNKNOWN.*\nBefore: .*127\.0\.0\.1:1 refuses the connection/);
      return true;
    });
  });
});

describe("storage that a registry leads to", options, () => {
  const content = someBytes(10_000);
  const layer = describeBytes(content);

  test("sees no certificate of ours, and has to have a good one itself", async () => {
    using directory = temporaryDirectory();
    const { ca, server, client: own } = makeCertificates();
    const seen: string[] = [];
    const subjectOf = (request: IncomingMessage): string =>
      String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? "nobody");
    const tls = { cert: server.certificate, key: server.key, ca, requestCert: true, rejectUnauthorized: false };
    await using storage = await ScriptedServer.start((request, answer) => {
      seen.push(`storage ${subjectOf(request)}`);
      serveRange(request, answer, content);
    }, createServer(tls));
    await using registry = await ScriptedServer.start((request, answer) => {
      seen.push(`registry ${subjectOf(request)}`);
      answer.writeHead(307, { location: `https://${storage.host}/blob` }).end();
    }, createServer(tls));
    const toml = (more: string): string =>
      `server = "https://${registry.host}"\nclient = [["own.cert", "own.key"]]\n${more}`;
    const keys = { [`${registry.host}/own.cert`]: own.certificate, [`${registry.host}/own.key`]: own.key };
    const files = { ...keys, [`${registry.host}/ca.pem`]: ca, [`${registry.host}/hosts.toml`]: toml('ca = "ca.pem"') };
    {
      using client = new RegistryClient(machine(directory.path, files));
      const ingest = new MemoryIngest(layer);
      await client.source(parseReference(`${registry.host}/app`)).download(layer, ingest);
      await ingest.commit();
      assert.deepEqual(seen, ["registry client", "storage nobody"]);
    }
    const lax = { ...keys, [`${registry.host}/hosts.toml`]: toml("skip_verify = true") };
    using client = new RegistryClient(machine(directory.path, lax));
    const downloading = client.source(parseReference(`${registry.host}/app`)).download(layer, new MemoryIngest(layer));
    await assert.rejects(downloading, /has a certificate that is not trusted/);
  });

  test("in plain text is refused, where the registry is not", async () => {
    const { ca, server } = makeCertificates();
    using directory = temporaryDirectory();
    await using storage = await ScriptedServer.start((request, answer) => serveRange(request, answer, content));
    await using registry = await ScriptedServer.start(
      (_request, answer) => {
        answer.writeHead(307, { location: `http://${storage.host}/blob` }).end();
      },
      createServer({ cert: server.certificate, key: server.key }),
    );
    using client = new RegistryClient(machine(directory.path, { [`${registry.host}/ca.crt`]: ca }));
    const downloading = client.source(parseReference(`${registry.host}/app`)).download(layer, new MemoryIngest(layer));
    await assert.rejects(downloading, /leads from https to http, to 127\.0\.0\.1/);
    assert.equal(storage.seen.length, 0);
  });
});
