import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { LayerEntry } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { readTar } from "./read-tar.ts";
import { type TarEntry, writeTar } from "./write-tar.ts";

const TIME = 1_700_000_000;

function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): TarEntry {
  const bytes = Buffer.from(content as string);
  return { kind: "file", path, mode: 0o644, mtime: TIME, size: bytes.length, content: () => [bytes], ...more };
}

const LONG = "long/".repeat(60);
const ENTRIES: readonly TarEntry[] = [
  { kind: "directory", path: "etc/", mode: 0o755, mtime: TIME },
  file("etc/hello", "hello\n", { mode: 0o4755, uid: 1000, gid: 1001 }),
  { kind: "hard-link", path: "etc/again", mode: 0o644, target: "etc/hello", mtime: TIME },
  { kind: "symlink", path: "etc/link", mode: 0o777, target: "../etc/hello", mtime: TIME },
  { kind: "symlink", path: "etc/far", mode: 0o777, target: `/${LONG}`, mtime: TIME },
  { kind: "character-device", path: "null", mode: 0o666, device: { major: 1, minor: 3 }, mtime: TIME },
  { kind: "block-device", path: "sda", mode: 0o660, device: { major: 259, minor: 1_000_000 }, mtime: TIME },
  { kind: "fifo", path: "pipe", mode: 0o600, mtime: TIME },
  file("a".repeat(100), "exactly"),
  file("b".repeat(101), "one more"),
  file(`${"p".repeat(155)}/${"n".repeat(100)}`, "all of a header's two fields"),
  file(`${"p".repeat(156)}/${"n".repeat(99)}`, "no place to split at"),
  { kind: "directory", path: `${LONG}`, mode: 0o755, mtime: TIME },
  { kind: "directory", path: `${"d".repeat(120)}/`, mode: 0o755, mtime: TIME },
  file(`${LONG}leaf`, "deep"),
  file("größe/名前", "not ASCII"),
  { kind: "symlink", path: "größe/verweis", mode: 0o777, target: "名前", mtime: TIME },
  file("big-ids", "", { uid: 2_097_152, gid: 4_294_967_294 }),
  file("precise", "", { mtimeNanoseconds: 120_000_000 }),
  file("preciser", "", { mtimeNanoseconds: 1 }),
  file("late", "", { mtime: 2 ** 33, mtimeNanoseconds: 5 }),
  file("with\nnewline", "x"),
  file("attributes", "y", {
    xattrs: new Map([
      ["user.b", Buffer.from([0, 1, 0xff, 0x0a, 0x3d])],
      ["security.capability", Buffer.from("0100000200000000000000000000000000000000", "hex")],
      ["user.a", Buffer.alloc(0)],
    ]),
  }),
  file("large", Buffer.alloc(200_001, "abc")),
  file("block", Buffer.alloc(512, 1)),
];

async function collect(entries: Iterable<TarEntry>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

interface Seen extends Omit<LayerEntry, "content" | "contentAt" | "contentAtOnce"> {
  readonly text: string;
}

async function readBack(archive: Buffer): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for await (const { content, contentAt, contentAtOnce, ...entry } of readTar(once(archive))) {
    const chunks: Buffer[] = [];
    for await (const chunk of content()) chunks.push(chunk);
    seen.push({ ...entry, text: Buffer.concat(chunks).toString("latin1") });
  }
  return seen;
}

function asSeen(entry: TarEntry): Seen {
  const { content, ...rest } = entry;
  const defaults = {
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNanoseconds: 0,
    target: "",
    size: 0,
    device: { major: 0, minor: 0 },
  };
  const text = [...((content?.() ?? []) as Iterable<Buffer>)].join("");
  return { ...defaults, xattrs: new Map(), ...rest, text };
}

suite("writeTar", () => {
  test("writes what readTar reads", async () => {
    assert.deepEqual(await readBack(await collect(ENTRIES)), ENTRIES.map(asSeen));
  });

  test("writes the same bytes again from what was read, whatever the order of the attributes", async () => {
    const archive = await collect(ENTRIES);
    const chunks: Buffer[] = [];
    for await (const chunk of writeTar(readTar(once(archive)))) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(archive));
    const xattrs = new Map([...(ENTRIES.find(({ path }) => path === "attributes")?.xattrs ?? [])].reverse());
    const turned = ENTRIES.map((entry) => (entry.path === "attributes" ? { ...entry, xattrs } : entry));
    assert.ok((await collect(turned)).equals(archive));
  });

  test("writes bytes that stay as they are from version to version", async () => {
    const digest = createHash("sha256")
      .update(await collect(ENTRIES))
      .digest("hex");
    assert.equal(digest, "8fa6f492d81894ffd9f512a4c6e9b875e173f65b02b9bbe8ef84a7ee72bbfb01");
  });

  test("puts no extended header in front of what fits", async () => {
    assert.equal((await collect(ENTRIES.slice(0, 2))).length, 512 + 1024 + 1024);
  });

  test("tells the size of what is larger than a header's field", async () => {
    const size = 2 ** 33 + 5;
    const zeros = Buffer.alloc(1 << 20);
    const content = function* (): Generator<Buffer> {
      for (let left = size; left > 0; left -= zeros.length) yield left < zeros.length ? zeros.subarray(0, left) : zeros;
    };
    const entries = [file("huge", "", { size, content }), file("behind", "it")];
    const seen: [string, number][] = [];
    for await (const entry of readTar(writeTar(entries))) seen.push([entry.path, entry.size]);
    assert.deepEqual(seen, [
      ["huge", size],
      ["behind", 2],
    ]);
  });

  test("refuses what no archive can hold", async () => {
    const refused = (entry: TarEntry, message: RegExp): Promise<void> => assert.rejects(collect([entry]), message);
    await refused(file("", ""), /Cannot archive "": its path is empty/);
    await refused(file("a\0b", ""), /its path has a zero byte/);
    await refused(file("a/", ""), /the path of a file does not end with a slash/);
    await refused({ kind: "symlink", path: "a", mode: 0o777 }, /its target is empty/);
    await refused(file("a", "", { xattrs: new Map([["user.a=b", Buffer.alloc(0)]]) }), /its attribute "user.a=b"/);
    await refused(file("a", "", { xattrs: new Map([["user.a", Buffer.alloc(1 << 20)]]) }), /more than 1048576 bytes/);
    await refused(file("a", "abc", { size: 2 }), /its content has more than 2 bytes/);
    await refused(file("a", "abc", { size: 4 }), /its content has 3 bytes, and not 4/);
    const device = { major: 2 ** 21, minor: 0 };
    await refused({ kind: "block-device", path: "a", mode: 0, device }, /the device 2097152:0 does not fit/);
  });
});

/** Lists an archive as python sees it. */
const PYTHON = `
import hashlib, json, sys, tarfile
kinds = dict(zip("0123456", ["file", "hard-link", "symlink", "character-device", "block-device", "directory", "fifo"]))
entries = []
with tarfile.open(sys.argv[1]) as archive:
    for each in archive:
        content = archive.extractfile(each).read() if each.isreg() else b""
        xattrs = sorted(key for key in each.pax_headers if key.startswith("SCHILY.xattr."))
        entries.append([kinds[each.type.decode()], each.name, each.mode, each.uid, each.gid, each.pax_headers.get("mtime", str(each.mtime)),
            each.linkname, each.size, each.devmajor, each.devminor, xattrs, hashlib.sha256(content).hexdigest()])
print(json.dumps(entries))
`;

function asPythonSees(entry: TarEntry): readonly unknown[] {
  const { kind, path, mode, uid, gid, mtime, mtimeNanoseconds, target, size, device, xattrs, text } = asSeen(entry);
  const fraction = mtimeNanoseconds === 0 ? "" : `.${`${mtimeNanoseconds}`.padStart(9, "0").replace(/0+$/, "")}`;
  const attributes = [...xattrs.keys()].map((name) => `SCHILY.xattr.${name}`).sort();
  const digest = createHash("sha256").update(text, "latin1").digest("hex");
  const name = path.replace(/\/$/, "");
  const time = `${mtime}${fraction}`;
  return [kind, name, mode, uid, gid, time, target, size, device.major, device.minor, attributes, digest];
}

function missing(program: string): string | false {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
  return found ? false : `${program} is not installed`;
}

/** What nobody needs privileges for to make. */
const MADE_BY_ALL = ENTRIES.filter(({ kind }) => !kind.endsWith("device"));

async function expectExtracted(program: string, words: readonly string[]): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const path = join(directory, "archive.tar");
    const root = join(directory, "root");
    mkdirSync(root);
    writeFileSync(path, await collect(MADE_BY_ALL));
    execFileSync(program, [...words, "-xpf", path, "-C", root], { stdio: ["ignore", "ignore", "pipe"] });
    for (const entry of MADE_BY_ALL) {
      const { kind, mode, mtime, mtimeNanoseconds, target, text } = asSeen(entry);
      const found = join(root, entry.path);
      const stat = lstatSync(found, { bigint: true });
      if (kind === "symlink") assert.equal(readlinkSync(found), target);
      if (kind === "hard-link") assert.equal(stat.ino, lstatSync(join(root, target), { bigint: true }).ino);
      if (kind === "fifo") assert.ok(stat.isFIFO());
      if (kind === "directory") assert.ok(stat.isDirectory());
      if (kind === "symlink" || kind === "hard-link") continue;
      if (kind === "file") assert.equal(readFileSync(found, "latin1"), text);
      assert.equal(Number(stat.mode) & 0o1777, mode & 0o1777);
      if (kind === "file") assert.equal(stat.mtimeNs, BigInt(mtime) * 1_000_000_000n + BigInt(mtimeNanoseconds), found);
    }
  });
}

suite("an archive of writeTar", () => {
  test("is read by python with the same entries", { skip: missing("python3") }, () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "archive.tar");
      writeFileSync(path, await collect(ENTRIES));
      const found: unknown = JSON.parse(execFileSync("python3", ["-c", PYTHON, path], { encoding: "utf8" }));
      assert.deepEqual(found, ENTRIES.map(asPythonSees));
    }),
  );

  test("is extracted by GNU tar with the same files", () => expectExtracted("tar", ["--no-same-owner"]));

  test("is extracted by bsdtar with the same files", { skip: missing("bsdtar") }, () =>
    expectExtracted("bsdtar", ["--no-same-owner"]),
  );
});
