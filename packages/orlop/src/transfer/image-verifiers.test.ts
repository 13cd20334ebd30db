import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type ImageSource, MEDIA_TYPE_IMAGE_MANIFEST } from "@orlop/core";
import type { ImageOrigin } from "@orlop/image/verify";
import { withTemporaryDirectory } from "@orlop/testkit";
import { imageVerifiers } from "./image-verifiers.ts";

const SOURCE: ImageSource = {
  name: "a test",
  images: async () => [],
  document: async () => Buffer.alloc(0),
  blob: async function* () {},
  [Symbol.asyncDispose]: async () => {},
};
const TARGET = { mediaType: MEDIA_TYPE_IMAGE_MANIFEST, digest: `sha256:${"a".repeat(64)}`, size: 1 } as const;

async function verify(origin: ImageOrigin, options: Parameters<typeof imageVerifiers>[1]): Promise<void> {
  for (const each of imageVerifiers(origin, options)) {
    await each({ name: "x", target: TARGET, manifests: async () => [TARGET], source: SOURCE });
  }
}

suite("verifiers of images", () => {
  test("are the policy and the programs, both of which can refuse", () =>
    withTemporaryDirectory(async (directory) => {
      const policyFile = join(directory, "policy.json");
      const programs = join(directory, "bin");
      const accept = [{ type: "insecureAcceptAnything" }];
      const transports = { oci: { [directory]: accept } };
      writeFileSync(policyFile, JSON.stringify({ default: [{ type: "reject" }], transports }));
      const inside = { transport: "oci", path: join(directory, "layout") };
      await verify(inside, { policyFile, programs });
      const rejected = {
        code: "denied",
        message: `Cannot use image "x": the policy "${policyFile}" rejects images from there`,
      };
      await assert.rejects(verify({ transport: "debian" }, { policyFile, programs }), rejected);
      mkdirSync(programs);
      writeFileSync(join(programs, "a"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      await assert.rejects(verify(inside, { policyFile, programs }), {
        code: "denied",
        message: /verifier "a" refuses it/,
      });
    }));

  test("are none without a policy that is there, and an error without one that was named", () =>
    withTemporaryDirectory(async (directory) => {
      const home = process.env.HOME;
      process.env.HOME = directory;
      try {
        const programs = join(directory, "bin");
        const policyFile = join(directory, "policy.json");
        await assert.rejects(verify({ transport: "oci" }, { policyFile, programs }), { code: "not-found" });
        mkdirSync(join(directory, ".config/containers"), { recursive: true });
        const own = join(directory, ".config/containers/policy.json");
        writeFileSync(own, '{"default":[{"type":"reject"}]}');
        await assert.rejects(verify({ transport: "oci" }, { programs }), { code: "denied" });
        writeFileSync(own, '{"default":[{"type":"insecureAcceptAnything"}]}');
        await verify({ transport: "oci" }, { programs });
        writeFileSync(own, "{}");
        await assert.rejects(verify({ transport: "oci" }, { programs }), { code: "invalid" });
      } finally {
        if (home === undefined) delete process.env.HOME;
        else process.env.HOME = home;
      }
    }));
});
