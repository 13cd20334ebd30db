import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { OrlopError } from "@orlop/core";
import { LAYER_LIMITS, type TarEntry, writeTar } from "@orlop/image";
import { withTemporaryDirectory } from "@orlop/testkit";
import { encodeDocument } from "./checkpoint-archive.ts";
import { type UnpackedCheckpoint, unpackCheckpoint } from "./unpack-checkpoint.ts";

const MANIFEST = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: `sha256:${"a".repeat(64)}`,
  size: 3,
};
const DOCUMENT = {
  name: "box",
  hostname: "box",
  image: { text: "box:1", manifest: MANIFEST as never },
  commandLine: { flags: ["--label=a=b"], words: ["box:1", "sh"] },
  volumes: ["/data"],
};

const file = (path: string, text: string | Buffer): TarEntry => {
  const content = Buffer.from(text as string);
  return { kind: "file", path, mode: 0o644, size: content.length, content: () => [content] };
};
const WHOLE: readonly TarEntry[] = [
  { kind: "directory", path: "./", mode: 0o755 },
  file("orlop.json", encodeDocument(DOCUMENT)),
  { kind: "directory", path: "checkpoint/", mode: 0o755 },
  file("checkpoint/core-1.img", "core"),
  file("./rootfs-diff.tar", "diff"),
  file("volumes/0.tar", "volume"),
];

async function unpack(
  entries: readonly TarEntry[],
  { compress = (bytes: Buffer) => bytes, limits = LAYER_LIMITS } = {},
  see: (unpacked: UnpackedCheckpoint) => void = () => {},
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const archive = join(directory, "archive");
    writeFileSync(archive, compress(Buffer.concat(await Array.fromAsync(writeTar(entries)))));
    const target = join(directory, "target");
    mkdirSync(target);
    try {
      see(await unpackCheckpoint(archive, target, limits));
    } finally {
      assert.deepEqual(readdirSync(directory).sort(), ["archive", "target"], "nothing is written elsewhere");
    }
  });
}

test("an archive is unpacked, however it is compressed", async () => {
  for (const compress of [(bytes: Buffer) => bytes, gzipSync, zstdCompressSync]) {
    await unpack(WHOLE, { compress }, ({ document, directory, rootfsDiff }) => {
      assert.deepEqual(document, { version: 1, ...DOCUMENT });
      assert.equal(readFileSync(join(directory, "checkpoint/core-1.img"), "utf8"), "core");
      assert.match(rootfsDiff ?? "", /^sha256:[0-9a-f]{64}$/);
    });
  }
});

const link = (kind: "symlink" | "hard-link", path: string): TarEntry => ({
  kind,
  path,
  mode: 0o777,
  target: "/etc/passwd",
});

const HOSTILE: Readonly<Record<string, readonly [readonly TarEntry[], RegExp]>> = {
  "a path out of it": [[file("../x", "x")], /"\.\.\/x"/],
  "a path out of a directory of it": [[file("checkpoint/../../x", "x")], /no archive of a checkpoint has it/],
  "an absolute path": [[file("/etc/x", "x")], /no archive of a checkpoint has it/],
  "a link": [[link("symlink", "checkpoint/pages-1.img")], /symlink "checkpoint\/pages-1\.img"/],
  "a link in place of a directory": [[link("symlink", "checkpoint")], /symlink "checkpoint"/],
  "a hard link": [[link("hard-link", "rootfs-diff.tar")], /hard-link/],
  "a device": [[{ kind: "character-device", path: "checkpoint/a.img", mode: 0o600 }], /character-device/],
  "a file twice": [[file("checkpoint/core-1.img", "again")], /it is there twice/],
  "a document too large": [[file("orlop.json", Buffer.alloc(5 * 1024 ** 2))], /it is there twice|bytes/],
};

test("an archive that has something else is refused for it", async () => {
  for (const [what, [entries, message]] of Object.entries(HOSTILE)) {
    await assert.rejects(unpack([...WHOLE, ...entries]), (error: OrlopError) => {
      assert.equal(error.code, "invalid", what);
      assert.match(error.message, message, what);
      return true;
    });
  }
});

test("an archive is refused when it unpacks to too much", async () => {
  const zeros = file("checkpoint/pages-1.img", Buffer.alloc(4 * 1024 ** 2));
  const limits = { ...LAYER_LIMITS, ratioMax: 50, ratioFreeBytes: 1024 };
  await assert.rejects(unpack([...WHOLE, zeros], { compress: zstdCompressSync, limits }), { code: "exhausted" });
  const few = { ...LAYER_LIMITS, entriesMax: 3 };
  await assert.rejects(unpack(WHOLE, { limits: few }), { code: "exhausted" });
  const small = { ...LAYER_LIMITS, fileMaxBytes: 1024 };
  await assert.rejects(unpack([...WHOLE, zeros], { limits: small }), { code: "exhausted" });
});

test("an archive is refused whose document is not there or says nothing", async () => {
  await assert.rejects(unpack(WHOLE.slice(2)), /has no orlop\.json: only what orlop container checkpoint --export/);
  for (const [text, message] of [
    ["[]", /no JSON object/],
    ['{"version":2}', /version 2, and 1 is known/],
    ['{"version":1,"name":1}', /no names/],
    [encodeDocument({ ...DOCUMENT, commandLine: { flags: [1 as never], words: [] } }).toString(), /no command line/],
    [
      encodeDocument({ ...DOCUMENT, image: { text: "a", manifest: { digest: "x" } as never } }).toString(),
      /digest|mediaType/,
    ],
  ] as const) {
    await assert.rejects(unpack([file("orlop.json", text)]), message);
  }
});

test("what is no archive, and what is not there, is told of by its name", async () => {
  await withTemporaryDirectory(async (directory) => {
    const refusal = async (path: string): Promise<string> => {
      const target = join(directory, `target-${readdirSync(directory).length}`);
      mkdirSync(target);
      const error: unknown = await unpackCheckpoint(path, target).catch((thrown: unknown) => thrown);
      return (error as OrlopError).message;
    };
    const text = join(directory, "text");
    writeFileSync(text, "no archive\n".repeat(100));
    assert.match(await refusal(text), new RegExp(`^Cannot read tar archive "${text}": `));
    const absent = join(directory, "absent");
    assert.equal(await refusal(absent), `Cannot restore from "${absent}": no such file or directory`);
    assert.equal(await refusal(directory), `Cannot restore from "${directory}": it is a directory`);
  });
});
