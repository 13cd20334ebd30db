import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import { DockerRegistry, dockerRegistryObstacle, withTemporaryDirectory } from "@orlop/testkit";
import { pushImage, someBytes } from "../registry/fixture-blobs-fixture.ts";
import { RegistryClient } from "../registry/registry-client.ts";
import { FakeDepot } from "../transfer/depot-fixture.ts";
import { pullImage } from "../transfer/pull-image.ts";
import { decodePolicy } from "./decode-policy.ts";
import { decodeRegistriesD } from "./decode-registries-d.ts";
import { lookasideAt } from "./lookaside.ts";
import { policyVerifier } from "./policy-verifier.ts";

function obstacle(): string | undefined {
  const missing = ["gpg", "gpgconf", "skopeo"].find((program) => spawnSync(program, ["--version"]).error !== undefined);
  return dockerRegistryObstacle() ?? (missing === undefined ? undefined : `there is no ${missing}`);
}

/** What skopeo and we say of an image that skopeo has signed. */
class SignedImages implements Disposable {
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #configuration: string;

  constructor(directory: string) {
    this.#home = join(directory, "gnupg");
    mkdirSync(this.#home, { mode: 0o700 });
    mkdirSync(join(directory, "registries.d"));
    this.#env = { ...process.env, GNUPGHOME: this.#home };
    this.#configuration = `default-docker:\n  lookaside: file://${join(directory, "lookaside")}\n`;
    writeFileSync(join(directory, "registries.d/default.yaml"), this.#configuration);
    this.directory = directory;
  }

  readonly directory: string;

  gpg(args: readonly string[]): Buffer {
    const options = { env: this.#env, stdio: "pipe" } as const;
    return execFileSync("gpg", ["--batch", "--quiet", "--passphrase", "", ...args], options);
  }

  /** Makes a key, and gives the file with its public half. */
  key(id: string, algorithm: string): string {
    this.gpg(["--quick-generate-key", id, algorithm, "sign", "0"]);
    const path = join(this.directory, `${id}.gpg`);
    writeFileSync(path, this.gpg(["--export", id]));
    return path;
  }

  skopeo(args: readonly string[]): number | null {
    const global = ["--registries.d", join(this.directory, "registries.d"), "--policy", this.#policyFile];
    return spawnSync("skopeo", [...global, ...args], { env: this.#env }).status;
  }

  get #policyFile(): string {
    return join(this.directory, "policy.json");
  }

  policy(requirement: object): void {
    writeFileSync(this.#policyFile, JSON.stringify({ default: [requirement] }));
    this.#requirement = requirement;
  }

  #requirement: object = {};

  /** Whether the policy lets it come here, by skopeo's word and by ours. */
  async comes(name: string): Promise<readonly [skopeo: boolean, orlop: boolean]> {
    const to = `dir:${join(this.directory, "copied")}`;
    const theirs = this.skopeo(["copy", "--src-tls-verify=false", `docker://${name}`, to]) === 0;
    using client = new RegistryClient();
    const reference = parseReference(name);
    const lookaside = lookasideAt(await decodeRegistriesD([{ name: "a", text: this.#configuration }], "file:///none"));
    const policy = decodePolicy("p.json", JSON.stringify({ default: [this.#requirement] }));
    const open: RegistryClient["source"] = (each) => client.source(each);
    const verifier = policyVerifier(policy, { transport: "docker", reference, open }, { lookaside });
    await using source = client.source(reference);
    const [image] = await source.images();
    assert.ok(image !== undefined);
    try {
      await pullImage(source, new FakeDepot(), image, { verifiers: [verifier] });
      return [theirs, true];
    } catch (error) {
      assert.ok(error instanceof OrlopError && error.code === "denied", String(error));
      return [theirs, false];
    }
  }

  [Symbol.dispose](): void {
    // Its agent would outlive us.
    spawnSync("gpgconf", ["--homedir", this.#home, "--kill", "all"]);
  }
}

describe("signatures by GPG that skopeo makes", { skip: obstacle() ?? false }, () => {
  test("count for us exactly where they count for skopeo", () =>
    withTemporaryDirectory(async (directory) => {
      await using registry = await DockerRegistry.start();
      using images = new SignedImages(directory);
      using client = new RegistryClient();
      const unsigned = `${registry.host}/team/app:unsigned`;
      await pushImage(client.sink(parseReference(unsigned)), [someBytes(100)]);
      const keys = { rsa: images.key("rsa@example.org", "rsa2048"), ed25519: images.key("ed@example.org", "ed25519") };
      images.policy({ type: "insecureAcceptAnything" });
      for (const [tag, by] of [
        ["rsa", "rsa@example.org"],
        ["ed", "ed@example.org"],
      ] as const) {
        // Of its own, since signatures are found by digests.
        const plain = `${registry.host}/team/plain:${tag}`;
        await pushImage(client.sink(parseReference(plain)), [someBytes(100, tag.length)]);
        const sign = ["copy", "--sign-by", by, "--src-tls-verify=false", "--dest-tls-verify=false"];
        assert.equal(images.skopeo([...sign, `docker://${plain}`, `docker://${registry.host}/team/app:${tag}`]), 0);
      }
      const [rsa, ed] = ["rsa", "ed"].map((tag) => `${registry.host}/team/app:${tag}`) as [string, string];
      const by = (...keyPaths: readonly string[]): object => ({ type: "signedBy", keyType: "GPGKeys", keyPaths });
      for (const [requirement, name, expected] of [
        [by(keys.rsa), rsa, true],
        [by(keys.ed25519), ed, true],
        [by(keys.ed25519), rsa, false],
        [by(keys.rsa, keys.ed25519), rsa, true],
        [by(keys.rsa), unsigned, false],
        [{ ...by(keys.rsa), signedIdentity: { type: "exactReference", dockerReference: "r.io/other:1" } }, rsa, false],
      ] as const) {
        images.policy(requirement);
        assert.deepEqual(await images.comes(name), [expected, expected], `${name} ${JSON.stringify(requirement)}`);
      }
    }));
});
