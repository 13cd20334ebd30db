import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { MEDIA_TYPE_IMAGE_INDEX } from "@orlop/core";
import { patience, withTemporaryDirectory } from "@orlop/testkit";
import { FakeSource } from "../transfer/source-fixture.ts";
import type { ImageToVerify } from "./image-verifier.ts";
import { programVerifier } from "./program-verifier.ts";

const IMAGE: ImageToVerify = {
  name: "registry.example/app:1",
  target: { mediaType: MEDIA_TYPE_IMAGE_INDEX, digest: `sha256:${"a".repeat(64)}`, size: 123 },
  manifests: async () => [],
  source: new FakeSource(),
};

/** Programs by their names, as scripts. */
async function withPrograms(
  scripts: Readonly<Record<string, string>>,
  run: (directory: string, scratch: string) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (scratch) => {
    const directory = join(scratch, "bin");
    mkdirSync(directory);
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(directory, name), `#!/bin/sh\ncd "${scratch}"\n${script}\n`, { mode: 0o755 });
    }
    await run(directory, scratch);
  });
}

suite("verifiers of a directory", () => {
  test("are told the name, the digest and the descriptor", () =>
    withPrograms({ a: 'printf "%s\\n" "$@" > words; cat > input' }, async (directory, scratch) => {
      await programVerifier(directory)(IMAGE);
      const words = readFileSync(join(scratch, "words"), "utf8").trimEnd().split("\n");
      const { name, target } = IMAGE;
      const type = ["-stdin-media-type", "application/vnd.oci.descriptor.v1+json"];
      assert.deepEqual(words, ["-name", name, "-digest", target.digest, ...type]);
      assert.deepEqual(JSON.parse(readFileSync(join(scratch, "input"), "utf8")), target);
    }));

  test("are all asked, and each can refuse", () =>
    withPrograms(
      { a: "touch a", b: "touch b; echo not from there; echo more >&2; exit 3", c: "touch c" },
      async (directory, scratch) => {
        const message =
          'Cannot use image "registry.example/app:1": verifier "b" refuses it (exit code 3): not from there';
        await assert.rejects(programVerifier(directory)(IMAGE), { code: "denied", message });
        assert.deepEqual(
          ["a", "b", "c"].map((name) => existsSync(join(scratch, name))),
          [true, true, false],
        );
      },
    ));

  test("allow everything where there are none", () =>
    withPrograms({}, async (directory) => {
      await programVerifier(directory)(IMAGE);
      await programVerifier(join(directory, "missing"))(IMAGE);
    }));

  test("may leave their input, say much, and leave others behind", () =>
    withPrograms({ a: "yes | head -c 1000000; yes | head -c 1000000 >&2; sleep 1000 & exit 1" }, async (directory) => {
      await assert.rejects(programVerifier(directory, { timeoutMs: patience(10_000) })(IMAGE), (error: Error) => {
        assert.match(error.message, /\(exit code 1\): y\n/);
        assert.match(error.message, /\.\.\.$/);
        assert.ok(error.message.length < 40_000);
        return true;
      });
    }));

  test("are no verdict where they cannot be asked", () =>
    withPrograms({ a: "exec sleep 1000" }, async (directory, scratch) => {
      const slow = programVerifier(directory, { timeoutMs: 20 });
      await assert.rejects(slow(IMAGE), { code: "failed", message: /takes more than 20 ms/ });
      const controller = new AbortController();
      const ended = programVerifier(directory)({ ...IMAGE, signal: controller.signal });
      controller.abort();
      await assert.rejects(ended, { code: "cancelled" });
      await assert.rejects(programVerifier(directory, { verifiersMax: 0 })(IMAGE), {
        code: "exhausted",
        message: /has 1 verifiers, more than 0/,
      });
      const other = join(scratch, "other");
      mkdirSync(other);
      writeFileSync(join(other, "text"), "no program");
      await assert.rejects(programVerifier(other)(IMAGE), { code: "failed", message: /cannot be started/ });
      writeFileSync(join(directory, "a"), "#!/bin/sh\nkill -9 $$\n");
      await assert.rejects(programVerifier(directory)(IMAGE), { code: "failed", message: /was ended by SIGKILL/ });
    }));
});
