import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DockerRegistry, dockerRegistryObstacle, LayoutWriter, makeTar } from "@orlop/testkit";
import { CommandFixture, type CommandResult } from "./command-fixture.ts";

const obstacle = dockerRegistryObstacle();
const options = { skip: obstacle ?? false };
/** User `user` with the password `secret`. */
const HTPASSWD = "user:$2b$04$hvpaKWNVhdR2JS/9nKpkZuPjEJw.K1h0sJyK9DZ8acR6gcQRDxWvi\n";

describe("a registry with a password", options, () => {
  let registry: DockerRegistry;
  let commands: CommandFixture;

  before(async () => {
    registry = await DockerRegistry.start({ htpasswd: HTPASSWD });
    commands = new CommandFixture();
  });

  after(async () => {
    commands?.[Symbol.dispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  const orlop = async (args: readonly string[], input?: string): Promise<CommandResult> => {
    const { directory } = commands;
    const env = { HOME: directory, DOCKER_CONFIG: "", REGISTRY_AUTH_FILE: "", ORLOP_ROOT: join(directory, "state") };
    return await commands.orlop(args, { env, ...(input === undefined ? {} : { input }) });
  };

  test("takes images after a login and none after a logout, and its tags come all at once", async () => {
    const layout = new LayoutWriter(join(commands.directory, "layout"));
    layout.publish([layout.manifest({ layers: [{ tar: makeTar([{ path: "a", content: "b" }]) }] })]);
    const { host } = registry;
    const config = join(commands.directory, ".docker/config.json");
    const wrong = await orlop(["login", "-u", "user", "--password-stdin", host], "other\n");
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stderr, /^orlop: Cannot log in to "[\d.:]+": [\d.:]+ answered 401/);
    const login = await orlop(["login", "-u", "user", "--password-stdin", host], "secret\n");
    assert.equal(login.stdout, "Login Succeeded\n");
    assert.match(login.stderr, /warning: the password is kept unencrypted in '.*config\.json'/);
    assert.deepEqual(JSON.parse(readFileSync(config, "utf8")), {
      auths: { [host]: { auth: Buffer.from("user:secret").toString("base64") } },
    });
    assert.equal(statSync(config).mode & 0o777, 0o600);
    const pulled = await orlop(["pull", "-q", "--all-platforms", `oci:${layout.directory}`]);
    assert.equal(pulled.exitCode, 0, pulled.stderr);
    const digest = pulled.stdout.trim();
    for (const tag of ["1", "2"]) {
      const pushed = await orlop(["push", "-q", digest, `${host}/app:${tag}`]);
      assert.equal(pushed.stdout, `${host}/app:${tag}@${digest}\n`, pushed.stderr);
    }
    const all = await orlop(["pull", "-q", "-a", "--all-platforms", `${host}/app`]);
    assert.equal(all.stdout, `${host}/app:1\n${host}/app:2\n`, all.stderr);
    assert.equal((await orlop(["login", "--get-login", host])).stdout, "user\n");
    assert.equal((await orlop(["logout", host])).stdout, `Removing login credentials for ${host}\n`);
    const nobody = await orlop(["login", "--get-login", host]);
    assert.deepEqual([nobody.exitCode, nobody.stdout, nobody.stderr], [1, "", `orlop: Not logged in to ${host}\n`]);
    assert.equal((await orlop(["logout", "--all"])).stdout, "Not logged in to any registry\n");
    const repository = await orlop(["logout", `${host}/app`]);
    assert.equal(repository.stderr.split("\n", 1)[0], `orlop: Cannot log out of "${host}/app": it is a repository`);
    assert.equal((await orlop(["logout", host])).stdout, `Not logged in to ${host}\n`);
    const refused = await orlop(["pull", "-q", `${host}/app:1`]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /answered 401: UNAUTHORIZED: .*\nTry orlop login 127\.0\.0\.1:\d+/);
    const given = await orlop(["pull", "-q", "--all-platforms", "--creds", "user:secret", `${host}/app:1`]);
    assert.equal(given.exitCode, 0, given.stderr);
  });

  test("has the images that names without a registry mean by the machine's configuration", async () => {
    const { host } = registry;
    const conf = join(commands.directory, "registries.conf");
    writeFileSync(
      conf,
      `unqualified-search-registries = ["one.example", "two.example"]\n[aliases]\nmine = "${host}/app"\n`,
    );
    const env = { CONTAINERS_REGISTRIES_CONF: conf, ORLOP_ROOT: join(commands.directory, "aliases") };
    const pull = (name: string) =>
      commands.orlop(["pull", "-q", "--all-platforms", "--creds", "user:secret", name], { env });
    assert.equal((await pull("mine:1")).stdout, `${host}/app:1\n`);
    const other = await pull("other");
    assert.equal(other.exitCode, 1);
    assert.match(
      other.stderr,
      /several registries .*\nTry one of: one\.example\/other:latest, two\.example\/other:latest/,
    );
  });
});
