import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import type { Credential } from "../credentials/credential.ts";
import { describeBytes, someBytes } from "../fixture-blobs-fixture.ts";
import { MemoryIngest } from "../memory-ingest-fixture.ts";
import { RegistryClient } from "../registry-client.ts";
import { ScriptedServer, serveRange } from "../scripted-server-fixture.ts";

const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, attemptsMax: 2 };
const PASSWORD: Credential = { kind: "password", username: "user", password: "secret" };
const BASIC = `Basic ${Buffer.from("user:secret").toString("base64")}`;
const content = someBytes(10_000);
const layer = describeBytes(content);

type Script = (request: IncomingMessage, answer: ServerResponse) => void;

function unauthorized(answer: ServerResponse, challenge: string): void {
  answer.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
}

/** A registry whose every request needs this header, and says how to get it. */
function guarded(challenge: string | (() => string), wanted: string): Script {
  return (request, answer) => {
    if (request.headers.authorization !== wanted) {
      unauthorized(answer, typeof challenge === "string" ? challenge : challenge());
    } else serveRange(request, answer, content);
  };
}

async function download(client: RegistryClient, host: string, name = "app"): Promise<void> {
  await using source = client.source(parseReference(`${host}/${name}`));
  const ingest = new MemoryIngest(layer);
  await source.download(layer, ingest);
  await ingest.commit();
}

async function refusal(work: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof OrlopError, `${error}`);
    assert.equal(error.code, "denied");
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
}

const authorizations = (server: ScriptedServer) => server.seen.map(({ headers }) => headers.authorization);

describe("a password", () => {
  test("is sent when it is asked for, and then with each request", async () => {
    await using server = await ScriptedServer.start(guarded('Basic realm="x"', BASIC));
    using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
    await download(client, server.host);
    await download(client, server.host, "other");
    assert.deepEqual(authorizations(server), [undefined, BASIC, BASIC]);
  });

  test("that nobody has given is said to be missing", async () => {
    await using server = await ScriptedServer.start(guarded('Basic realm="x"', BASIC));
    using client = new RegistryClient({ limits: LIMITS });
    await refusal(download(client, server.host), /answered 401: UNAUTHORIZED\nTry orlop login 127\.0\.0\.1:\d+/);
    assert.equal(server.seen.length, 1);
  });

  test("that is wrong is sent once", async () => {
    await using server = await ScriptedServer.start(guarded('Basic realm="x"', "Basic other"));
    using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
    await refusal(download(client, server.host), /answered 401/);
    assert.deepEqual(authorizations(server), [undefined, BASIC]);
  });

  test("and headers of the registry go to no host that it leads to, even when that asks", async () => {
    await using storage = await ScriptedServer.start(guarded('Basic realm="x"', BASIC));
    await using server = await ScriptedServer.start((request, answer) => {
      if (request.headers.authorization === undefined) return unauthorized(answer, 'Basic realm="x"');
      answer.writeHead(307, { location: `http://a:b@${storage.host}/blob` }).end();
    });
    using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
    await refusal(download(client, server.host), /answered 401/);
    assert.ok(storage.seen.length > 0);
    assert.ok(authorizations(storage).every((sent) => sent === undefined));
  });
});

describe("a token", () => {
  test("is asked for once by all who need it, with the password and the scope", async () => {
    await using tokens = await ScriptedServer.start((_request, answer) => {
      answer.end(JSON.stringify({ token: "t1", expires_in: 300 }));
    });
    const challenge = `Bearer realm="http://${tokens.host}/token?x=y",service="reg",scope="repository:app:pull"`;
    await using server = await ScriptedServer.start(guarded(challenge, "Bearer t1"));
    using client = new RegistryClient({ limits: { ...LIMITS, rangeBytes: 1_000 }, credential: PASSWORD });
    await Promise.all([download(client, server.host), download(client, server.host), download(client, server.host)]);
    assert.equal(tokens.seen.length, 1);
    const [asked] = tokens.seen;
    assert.equal(asked?.headers.authorization, BASIC);
    const query = new URL(asked?.url ?? "", "http://x").searchParams;
    assert.deepEqual(Object.fromEntries(query), {
      x: "y",
      service: "reg",
      scope: "repository:app:pull",
      client_id: "orlop",
      account: "user",
    });
    assert.ok(!authorizations(server).includes(BASIC));
  });

  test("that has ended is replaced, and one that is not wide enough as well", async () => {
    let given = 0;
    await using tokens = await ScriptedServer.start((_request, answer) => {
      answer.end(JSON.stringify({ access_token: `t${++given}`, expires_in: 300 }));
    });
    let wanted = "Bearer t1";
    let scope = "repository:app:pull";
    await using server = await ScriptedServer.start((request, answer) => {
      guarded(`Bearer realm="http://${tokens.host}/",scope="${scope}"`, wanted)(request, answer);
    });
    using client = new RegistryClient({ limits: LIMITS });
    await download(client, server.host);
    wanted = "Bearer t2";
    await download(client, server.host);
    wanted = "Bearer t3";
    scope = "repository:app:pull repository:base:pull";
    await download(client, server.host);
    await download(client, server.host);
    assert.equal(given, 3);
    assert.match(decodeURIComponent(tokens.seen[2]?.url ?? ""), /scope=repository:app:pull&scope=repository:base:pull/);
  });

  test("that is refused is not asked for for ever", async () => {
    await using tokens = await ScriptedServer.start((_request, answer) => answer.end('{"token":"no"}'));
    await using server = await ScriptedServer.start(guarded(`Bearer realm="http://${tokens.host}/"`, "Bearer yes"));
    using client = new RegistryClient({ limits: LIMITS });
    await refusal(download(client, server.host), /answered 401/);
    assert.ok(tokens.seen.length <= 2, `${tokens.seen.length}`);
  });

  test("is had for an identity token, which the registry itself does not see", async () => {
    let body = "";
    await using tokens = await ScriptedServer.start((request, answer) => {
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => answer.end('{"access_token":"t"}'));
    });
    await using server = await ScriptedServer.start(
      guarded(`Bearer realm="http://${tokens.host}/",service="reg"`, "Bearer t"),
    );
    const credential: Credential = { kind: "identity-token", token: "secret" };
    using client = new RegistryClient({ limits: LIMITS, credential });
    await download(client, server.host);
    assert.equal(tokens.seen[0]?.method, "POST");
    assert.equal(
      body,
      "grant_type=refresh_token&client_id=orlop&refresh_token=secret&service=reg&scope=repository%3Aapp%3Apull",
    );
    assert.ok(!JSON.stringify(server.seen).includes("secret"));
  });

  test("of the user's own goes to the registry as it is", async () => {
    await using server = await ScriptedServer.start(guarded('Bearer realm="https://absent.invalid/"', "Bearer mine"));
    using client = new RegistryClient({ limits: LIMITS, credential: { kind: "registry-token", token: "mine" } });
    await download(client, server.host);
    assert.deepEqual(authorizations(server), [undefined, "Bearer mine"]);
  });

  const ANSWERS: readonly (readonly [string, Script, RegExp])[] = [
    ["nothing", (_request, answer) => void answer.end("{}"), /gives no token/],
    ["no JSON", (_request, answer) => void answer.end("secret"), /gives no token/],
    ["a header of its own", (_request, answer) => void answer.end('{"token":"a\\r\\nx: y"}'), /gives no token/],
    ["a refusal", (_request, answer) => void answer.writeHead(401).end(), /answered 401\nTry logging in anew/],
  ];
  for (const [what, script, message] of ANSWERS) {
    test(`is not found in ${what}`, async () => {
      await using tokens = await ScriptedServer.start(script);
      await using server = await ScriptedServer.start(guarded(`Bearer realm="http://${tokens.host}/"`, "Bearer t"));
      using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
      await refusal(download(client, server.host), message);
    });
  }
});

describe("credentials follow no realm", () => {
  const REALMS = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "//evil.example/token",
    "",
    "http://evil.example/token",
    "https://a:b@evil.example/token",
    "data:application/json,{}",
  ];
  for (const realm of REALMS) {
    test(`at "${realm}"`, async () => {
      await using server = await ScriptedServer.start(guarded(`Bearer realm="${realm}"`, "Bearer t"));
      using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
      await refusal(download(client, server.host), /has tokens given out at ".*", which (is|has) /);
      assert.deepEqual(authorizations(server), [undefined]);
    });
  }

  test("that redirects to another host or a file", async () => {
    await using other = await ScriptedServer.start((_request, answer) => answer.end('{"token":"t"}'));
    for (const location of [`http://${other.host}/token`, "file:///etc/passwd", "http://["]) {
      await using tokens = await ScriptedServer.start((_request, answer) => {
        answer.writeHead(302, { location }).end();
      });
      await using server = await ScriptedServer.start(guarded(`Bearer realm="http://${tokens.host}/"`, "Bearer t"));
      using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
      await refusal(download(client, server.host), /leads to .* for a token/);
    }
    assert.equal(other.seen.length, 0);
  });

  test("that a host names which the registry only leads to", async () => {
    await using tokens = await ScriptedServer.start((_request, answer) => answer.end('{"token":"t"}'));
    await using evil = await ScriptedServer.start((_request, answer) => {
      unauthorized(answer, `Bearer realm="http://${tokens.host}/",scope="repository:app:pull"`);
    });
    await using server = await ScriptedServer.start((_request, answer) => {
      answer.writeHead(307, { location: `http://${evil.host}/blob` }).end();
    });
    using client = new RegistryClient({ limits: LIMITS, credential: PASSWORD });
    await refusal(download(client, server.host), /answered 401/);
    assert.equal(tokens.seen.length, 0);
  });
});
