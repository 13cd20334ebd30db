import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { credentialFiles } from "./credential-files.ts";
import { CredentialHelper } from "./credential-program.ts";
import { credentialsOfUser } from "./find-credential.ts";
import { eraseAllCredentials, eraseCredential, storeCredential } from "./store-credential.ts";

const auth = (pair: string): object => ({ auth: Buffer.from(pair).toString("base64") });

function write(path: string, content: unknown): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** Keeps each secret in a file beside it. */
const HELPER = `#!/bin/sh
read -r key
case $1 in
get) [ "$key" = helped.example ] && echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}' && exit
  [ "$key" = https://index.docker.io/v1/ ] && echo '{"Username":"hub","Secret":"s"}' && exit
  [ "$key" = broken.example ] && echo "the vault is closed" && exit 1
  echo "credentials not found in native keychain"; exit 1;;
*) echo "$1 $key" >>"$0.log";;
esac
`;

function helperDirectory(path: string): NodeJS.ProcessEnv {
  const program = join(path, "docker-credential-test");
  writeFileSync(program, HELPER);
  chmodSync(program, 0o755);
  return { PATH: `${path}:${process.env.PATH}`, HOME: path };
}

describe("credentials of the user", () => {
  test("are found by the longest name that fits", async () => {
    using directory = temporaryDirectory();
    const authFile = write(join(directory.path, "auth.json"), {
      auths: {
        "registry.example/team": auth("team:1"),
        "registry.example/team/app": auth("app:2:3"),
        "https://registry.example/v2/": auth("all:4"),
        "registry-1.docker.io": auth("hub:5"),
        "tokens.example": { identitytoken: "identity", auth: "ignored" },
        "bearer.example": { registrytoken: "bearer" },
        "named.example:5000": { username: "named", password: "6" },
        "empty.example": {},
      },
    });
    const find = credentialsOfUser({ authFile });
    const user = async (registry: string, repository: string) => {
      const found = await find(registry, repository);
      return found?.kind === "password" ? `${found.username}:${found.password}` : found;
    };
    assert.equal(await user("registry.example", "team/app/x"), "app:2:3");
    assert.equal(await user("registry.example", "team/application"), "team:1");
    assert.equal(await user("registry.example", "teams"), "all:4");
    assert.equal(await user("docker.io", "library/busybox"), "hub:5");
    assert.equal(await user("named.example:5000", "a"), "named:6");
    assert.equal(await user("named.example", "a"), undefined);
    assert.equal(await user("empty.example", "a"), undefined);
    assert.equal(await user("evil.example", "registry.example/team"), undefined);
    assert.deepEqual(await find("tokens.example", "a"), { kind: "identity-token", token: "identity" });
    assert.deepEqual(await find("bearer.example", "a"), { kind: "registry-token", token: "bearer" });
  });

  test("come from docker's file before podman's, and from the named one alone", async () => {
    using directory = temporaryDirectory();
    const env = { HOME: directory.path, XDG_RUNTIME_DIR: join(directory.path, "run") };
    write(join(directory.path, ".docker/config.json"), { auths: { "a.example": auth("docker:1") } });
    write(join(directory.path, "run/containers/auth.json"), {
      auths: { "a.example": auth("podman:2"), "b.example": auth("podman:3") },
    });
    write(join(directory.path, ".config/containers/auth.json"), { auths: { "c.example": auth("user:4") } });
    const find = credentialsOfUser({ env });
    const names = await Promise.all(["a", "b", "c", "d"].map((name) => find(`${name}.example`, "x")));
    assert.deepEqual(
      names.map((found) => (found?.kind === "password" ? found.username : undefined)),
      ["docker", "podman", "user", undefined],
    );
    assert.deepEqual(credentialFiles({ env: { ...env, REGISTRY_AUTH_FILE: "/x" } }), ["/x"]);
  });

  test("come from helpers by their names alone", async () => {
    using directory = temporaryDirectory();
    const env = helperDirectory(directory.path);
    const authFile = write(join(directory.path, "config.json"), {
      credsStore: "test",
      credHelpers: { "bad.example": "../test" },
      auths: { "plain.example": auth("plain:1"), "helped.example": {} },
    });
    const find = credentialsOfUser({ authFile, env });
    assert.deepEqual(await find("helped.example", "a"), { kind: "identity-token", token: "t" });
    assert.deepEqual(await find("docker.io", "a"), { kind: "password", username: "hub", password: "s" });
    assert.deepEqual(await find("plain.example", "a"), { kind: "password", username: "plain", password: "1" });
    assert.equal(await find("other.example", "a"), undefined);
    await assert.rejects(
      find("broken.example", "a"),
      /^Error: Cannot get credentials .* the vault is closed$|the vault is closed/,
    );
    await assert.rejects(
      find("bad.example", "a"),
      /Cannot use credential helper "\.\.\/test": it is no name of a program/,
    );
    const absent = new CredentialHelper("absent", env);
    await assert.rejects(
      absent.get("x"),
      /Cannot use credential helper "docker-credential-absent": it is not in \$PATH/,
    );
  });

  test("that cannot be read are told without what they are", async () => {
    using directory = temporaryDirectory();
    const CASES: readonly (readonly [unknown, RegExp])[] = [
      ["{secret", /: it is not JSON$/],
      [[1], /: it is no object$/],
      [
        { auths: { "a.example": { auth: "c2VjcmV0" } } },
        /: auths\["a.example"\]\.auth is not the base64 of USER:PASSWORD$/,
      ],
      [{ auths: { "a.example": 5 } }, /: auths\["a.example"\] is no object$/],
      [{ credsStore: 7 }, /: credsStore is no text$/],
    ];
    for (const [content, message] of CASES) {
      const authFile = write(join(directory.path, "auth.json"), content);
      await assert.rejects(credentialsOfUser({ authFile })("a.example", "x"), (error: Error) => {
        assert.match(error.message, /^Cannot read credentials "/);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret|c2VjcmV0/);
        return true;
      });
    }
  });
});

describe("a login", () => {
  test("is written for its owner alone, beside all that is there, and behind links", async () => {
    using directory = temporaryDirectory();
    const real = write(join(directory.path, "dotfiles/config.json"), {
      psFormat: "x",
      auths: { "https://a.example/v1/": auth("old:1"), "b.example": auth("b:2") },
    });
    chmodSync(real, 0o644);
    const path = join(directory.path, "config.json");
    symlinkSync(real, path);
    assert.deepEqual(await storeCredential(path, "a.example", { username: "new", password: "3" }), { file: path });
    assert.deepEqual(await storeCredential(path, "docker.io", { username: "hub", password: "4" }), { file: path });
    assert.deepEqual(JSON.parse(readFileSync(real, "utf8")), {
      psFormat: "x",
      auths: {
        "b.example": auth("b:2"),
        "a.example": auth("new:3"),
        "https://index.docker.io/v1/": auth("hub:4"),
      },
    });
    assert.equal(statSync(real).mode & 0o777, 0o600);
    assert.equal(await eraseCredential(path, "a.example"), true);
    assert.equal(await eraseCredential(path, "a.example"), false);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(real, "utf8")).auths), [
      "b.example",
      "https://index.docker.io/v1/",
    ]);
  });

  test("makes the file and its directory where there are none", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "a/b/config.json");
    await storeCredential(path, "a.example", { username: "u", password: "p" });
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    assert.equal(await eraseCredential(join(directory.path, "none.json"), "a.example"), false);
    assert.equal(await eraseCredential(join(path, "below-a-file.json"), "a.example"), false);
  });

  test("forgets nothing where this user may not look, and does not write there", async (t) => {
    if (process.getuid?.() === 0) return t.skip("root may look everywhere");
    using directory = temporaryDirectory();
    const path = join(directory.path, "others/auth.json");
    await storeCredential(path, "a.example", { username: "u", password: "p" });
    chmodSync(dirname(path), 0);
    try {
      assert.equal(await eraseCredential(path, "a.example"), false);
      await assert.rejects(storeCredential(path, "a.example", { username: "v", password: "q" }), {
        message: /^Cannot read credentials .* EACCES/,
      });
    } finally {
      chmodSync(dirname(path), 0o700);
    }
  });

  test("goes to the helper, and only that it is there is written", async () => {
    using directory = temporaryDirectory();
    const env = helperDirectory(directory.path);
    const path = write(join(directory.path, "config.json"), { credHelpers: { "helped.example": "test" } });
    const given = { username: "u", password: "p" };
    assert.deepEqual(await storeCredential(path, "helped.example", given, env), { helper: "test" });
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")).auths, { "helped.example": {} });
    assert.equal(await eraseCredential(path, "helped.example", env), true);
    const log = readFileSync(join(directory.path, "docker-credential-test.log"), "utf8").trim().split("\n");
    assert.deepEqual(log, ['store {"ServerURL":"helped.example","Username":"u","Secret":"p"}', "erase helped.example"]);
  });

  test("is forgotten with all others, also those that helpers keep and those of parts of a registry", async () => {
    using directory = temporaryDirectory();
    const env = helperDirectory(directory.path);
    const path = write(join(directory.path, "config.json"), {
      psFormat: "x",
      credHelpers: { "helped.example": "test", "unused.example": "test" },
      auths: { "a.example/team": auth("a:1"), "https://index.docker.io/v1/": auth("hub:2"), "a.example": auth("a:3") },
    });
    assert.deepEqual(await eraseAllCredentials(path, env), [
      "a.example/team",
      "docker.io",
      "a.example",
      "helped.example",
    ]);
    const { auths, psFormat } = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual([auths, psFormat], [{}, "x"]);
    assert.equal(readFileSync(join(directory.path, "docker-credential-test.log"), "utf8"), "erase helped.example\n");
    assert.deepEqual(await eraseAllCredentials(join(directory.path, "none.json"), env), []);
  });
});
