import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { decodeImageConfig, decodeManifest, type ImageSource, type LayerEntry, OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { readLayer } from "../layer/read-layer.ts";
import type { FixtureDeb } from "./fixtures/make-deb.ts";
import { TestMirror } from "./fixtures/test-mirror.ts";
import { type DebianSourceOptions, openDebianSource, type UnpackedImage } from "./open-debian-source.ts";

const NOW = Date.parse("2026-08-01T00:00:00Z");
const TIME = 1_600_000_000;

const file = (path: string, content = path): NonNullable<FixtureDeb["entries"]>[number] => ({
  path: `./${path}`,
  content,
  mtime: TIME,
});
const directory = (path: string): NonNullable<FixtureDeb["entries"]>[number] => ({
  path: `./${path}/`,
  type: "5",
  mtime: TIME,
});

const HELLO: FixtureDeb = {
  name: "hello",
  version: "2.10-3",
  fields: { Depends: "libhello (>= 1)" },
  control: { md5sums: "0  usr/bin/hello\n", conffiles: "/etc/hello.conf\n" },
  entries: [
    directory("usr"),
    directory("usr/bin"),
    file("usr/bin/hello"),
    directory("etc"),
    file("etc/hello.conf", "greet\n"),
  ],
};
const LIBHELLO: FixtureDeb = {
  name: "libhello",
  fields: { "Multi-Arch": "same" },
  control: { postinst: "#!/bin/sh\nexit 1\n", triggers: "interest-noawait /usr/lib/hello\ninterest hello-changed\n" },
  entries: [
    directory("lib"),
    { path: "./lib/libhello.so", type: "2", target: "libhello.so.1", mtime: TIME },
    file("lib/libhello.so.1"),
  ],
};

interface Files {
  readonly digest: string;
  readonly config: ReturnType<typeof decodeImageConfig>;
  readonly entries: readonly (Omit<LayerEntry, "content"> & { readonly text: string })[];
}

/** The image with its files, everything verified. */
async function read(source: ImageSource): Promise<Files> {
  const [image, ...others] = await source.images();
  assert.ok(image !== undefined && others.length === 0);
  const manifest = decodeManifest(await source.document(image.target));
  const config = decodeImageConfig(await source.document(manifest.config));
  const [layer] = manifest.layers;
  assert.ok(layer !== undefined);
  const entries: (Omit<LayerEntry, "content"> & { readonly text: string })[] = [];
  const diffId = config.rootfs.diff_ids[0] ?? assert.fail();
  for await (const entry of readLayer({
    name: "layer",
    diffId,
    mediaType: layer.mediaType,
    chunks: () => source.blob(layer),
  })) {
    const parts: Buffer[] = [];
    for await (const part of entry.content()) parts.push(part);
    entries.push({ ...entry, text: Buffer.concat(parts).toString() });
  }
  return { digest: image.target.digest, config, entries };
}

async function make(mirror: TestMirror, query = "packages=hello", options: DebianSourceOptions = {}): Promise<Files> {
  await using source = await openDebianSource(`debian:testing?arch=amd64&${query}`, {
    settings: mirror.settings,
    now: NOW,
    ...options,
  });
  return await read(source);
}

function textOf({ entries }: Files, path: string): string {
  const found = entries.find((entry) => entry.path === path);
  assert.ok(found !== undefined, `there is no ${path}`);
  return found.text;
}

function paths({ entries }: Files, below: string): readonly string[] {
  return entries.map(({ path }) => path).filter((path) => path.startsWith(below));
}

async function refusal(making: Promise<unknown>): Promise<string> {
  try {
    await making;
  } catch (error) {
    assert.ok(error instanceof OrlopError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return assert.fail("it was made");
}

test("makes an image of a package and what it depends on", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  const image = await make(mirror);
  assert.equal(image.config.architecture, "amd64");
  assert.equal(image.config.created, "2020-09-13T12:26:40Z");
  assert.equal(textOf(image, "usr/bin/hello"), "usr/bin/hello");
  assert.equal(image.entries.find(({ path }) => path === "lib/libhello.so")?.target, "libhello.so.1");
  assert.equal(
    textOf(image, "var/lib/dpkg/info/hello.list"),
    "/usr\n/usr/bin\n/usr/bin/hello\n/etc\n/etc/hello.conf\n",
  );
  assert.equal(textOf(image, "var/lib/dpkg/info/libhello:amd64.postinst"), "#!/bin/sh\nexit 1\n");
  assert.equal(textOf(image, "var/lib/dpkg/triggers/File"), "/usr/lib/hello libhello:amd64/noawait\n");
  assert.equal(textOf(image, "var/lib/dpkg/triggers/hello-changed"), "libhello:amd64\n");
  assert.match(textOf(image, "etc/apt/sources.list"), /^deb http:\/\/deb.debian.org\/debian testing main\n/);
  assert.equal(new Set(image.entries.map(({ path }) => path)).size, image.entries.length);
});

test("gives the same digest for the same packages, whatever else the mirror has and when", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  await using other = await TestMirror.start([{ name: "more" }, LIBHELLO, HELLO]);
  other.publish({ Date: "Sun, 12 Jul 2026 00:00:00 UTC" });
  const { digest } = await make(mirror);
  assert.equal((await make(other)).digest, digest);
  assert.equal((await make(mirror, "packages=libhello,hello")).digest, digest);
  assert.notEqual((await make(mirror, "packages=libhello")).digest, digest);
});

test("has no file newer than SOURCE_DATE_EPOCH", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  const image = await make(mirror, "packages=hello", { sourceDateEpoch: 1_500_000_000 });
  assert.deepEqual([...new Set(image.entries.map(({ mtime }) => mtime))], [1_500_000_000]);
  assert.equal(image.config.created, "2017-07-14T02:40:00Z");
});

test("has dpkg see the packages: installed those without scripts, unpacked the others", async (context) => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  const image = await make(mirror);
  await withTemporaryDirectory((root) => {
    writeFiles(image, root);
    const dpkg = (program: string, ...args: readonly string[]): string =>
      execFileSync(program, [`--admindir=${join(root, "var/lib/dpkg")}`, ...args], {
        stdio: ["ignore", "pipe", "pipe"],
      }).toString();
    if (spawnSync("dpkg-query", ["--version"]).error !== undefined) {
      context.skip("there is no dpkg");
      return;
    }
    const shown = ["Package", "Version", "db:Status-Status", "Conffiles"].map((field) => `\${${field}}|`).join("");
    assert.equal(
      dpkg("dpkg-query", "--show", `--showformat=${shown}`),
      `hello|2.10-3|installed| /etc/hello.conf ${md5("greet\n")}|libhello|1.0|unpacked||`,
    );
    assert.equal(dpkg("dpkg-query", "--search", "/usr/bin/hello"), "hello: /usr/bin/hello\n");
    assert.match(dpkg("dpkg", "--audit"), /have been unpacked but not yet configured[\s\S]*libhello/);
  });
});

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

function writeFiles({ entries }: Files, root: string): void {
  for (const { kind, path, text } of entries) {
    if (kind === "directory") mkdirSync(join(root, path), { recursive: true });
    if (kind !== "file") continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test("unpacks into merged directories where the suite has them", async () => {
  const merged: FixtureDeb = { name: "usr-is-merged" };
  const lib32: FixtureDeb = {
    name: "tool",
    entries: [directory("bin"), file("bin/tool"), directory("lib64"), file("lib64/ld.so")],
  };
  await using mirror = await TestMirror.start([merged, lib32, HELLO, LIBHELLO]);
  const image = await make(mirror, "packages=hello,tool");
  const links = image.entries.filter(({ kind, path }) => kind === "symlink" && !path.includes("/"));
  assert.deepEqual(
    links.map(({ path, target }) => `${path} -> ${target}`),
    ["bin -> usr/bin", "lib -> usr/lib", "lib64 -> usr/lib64", "sbin -> usr/sbin"],
  );
  for (const path of ["usr/bin/hello", "usr/bin/tool", "usr/lib/libhello.so.1", "usr/lib64/ld.so"]) textOf(image, path);
  assert.deepEqual(paths(image, "bin/"), []);
  assert.equal(textOf(image, "var/lib/dpkg/info/tool.list"), "/bin\n/bin/tool\n/lib64\n/lib64/ld.so\n");
});

test("makes what the scripts of the base packages would: passwd, group, shells", async () => {
  await using mirror = await TestMirror.start([
    {
      name: "base-passwd",
      entries: [
        file("usr/share/base-passwd/passwd.master", "root:*:0:0\n"),
        file("usr/share/base-passwd/group.master", "root:*:0:\n"),
      ],
    },
    {
      name: "debianutils",
      entries: [
        file("usr/share/debianutils/shells", "# shells\n"),
        file("usr/share/debianutils/shells.d/dash", "/bin/dash\n"),
      ],
    },
    { name: "base-files", entries: [file("usr/share/base-files/motd", "hello"), file("etc/motd", "other")] },
  ]);
  const image = await make(mirror, "packages=base-passwd,debianutils,base-files");
  assert.equal(textOf(image, "etc/passwd"), "root:*:0:0\n");
  assert.equal(textOf(image, "etc/group"), "root:*:0:\n");
  assert.equal(textOf(image, "etc/shells"), "# shells\n/bin/dash\n/usr/bin/dash\n");
  assert.equal(textOf(image, "etc/motd"), "other");
  assert.equal(image.entries.find(({ path }) => path === "var/run")?.target, "/run");
  assert.equal(image.entries.find(({ path }) => path === "run/lock/")?.mode, 0o1777);
});

test("makes /tmp, unless a package has one", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO, { name: "own-tmp", entries: [directory("tmp")] }]);
  const modeOfTmp = async (query: string): Promise<readonly (number | undefined)[]> =>
    (await make(mirror, query)).entries.filter(({ path }) => path === "tmp/").map(({ mode }) => mode);
  assert.deepEqual(await modeOfTmp("packages=hello"), [0o1777]);
  assert.deepEqual(await modeOfTmp("packages=own-tmp"), [0o755]);
});

test("leaves a file to the package that replaces it, and refuses one that two packages have", async () => {
  const old: FixtureDeb = { name: "a", entries: [file("etc/x", "old"), file("etc/y", "y")] };
  const young: FixtureDeb = { name: "b", fields: { Replaces: "a (<< 2)" }, entries: [file("etc/x", "new")] };
  const thief: FixtureDeb = { name: "c", fields: { Replaces: "a (<< 1)" }, entries: [file("etc/x", "new")] };
  await using mirror = await TestMirror.start([old, young, thief]);
  const image = await make(mirror, "packages=a,b");
  assert.equal(textOf(image, "etc/x"), "new");
  assert.equal(textOf(image, "var/lib/dpkg/info/a.list"), "/etc/y\n");
  assert.equal(
    await refusal(make(mirror, "packages=a,c")),
    'conflict: Cannot unpack "etc/x" of package c: a has it, too',
  );
});

test("takes directories from the first package that has them, hard links and links on the way", async () => {
  await using mirror = await TestMirror.start([
    {
      name: "a",
      entries: [
        { path: "./srv/", type: "5", mode: 0o700, mtime: TIME },
        { path: "./up", type: "2", target: "srv/../srv" },
      ],
    },
    {
      name: "b",
      entries: [
        { path: "./srv/", type: "5", mode: 0o755 },
        file("up/one"),
        { path: "./up/two", type: "1", target: "./up/one" },
        { path: "./over", type: "2", target: "/../../deep/down" },
        file("over/three"),
      ],
    },
  ]);
  const image = await make(mirror, "packages=a,b");
  assert.equal(image.entries.find(({ path }) => path === "srv/")?.mode, 0o700);
  assert.equal(textOf(image, "srv/one"), "up/one");
  assert.equal(image.entries.find(({ path }) => path === "srv/two")?.target, "srv/one");
  assert.equal(textOf(image, "deep/down/three"), "over/three");
});

test("refuses packages with what none may hold", async () => {
  const cases: readonly (readonly [NonNullable<FixtureDeb["entries"]>, RegExp])[] = [
    [[file("../x")], /its path leaves the layer/],
    [[file("etc/.wh.passwd")], /layers have another meaning for its name/],
    [[{ path: "./dev/sda", type: "4", device: [8, 0] }], /packages have no devices/],
    [[{ path: "./x", type: "1", target: "./etc/shadow" }], /a hard link leads to it/],
    [[{ path: "./a", type: "2", target: "b" }, { path: "./b", type: "2", target: "a" }, file("a/x")], /too many links/],
    [[file("x"), file("x/y")], /x is no directory/],
    [[file("x"), file("x")], /it has x twice/],
    [[directory("x"), file("x")], /it has x twice|x of package bad: the image has it/],
  ];
  for (const [entries, message] of cases) {
    await using mirror = await TestMirror.start([{ name: "bad", entries }]);
    assert.match(await refusal(make(mirror, "packages=bad")), message);
  }
});

test("refuses a package whose content is another than the signed index says", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  const path = mirror.add({ name: "evil" });
  mirror.publish();
  const bytes = mirror.files.get(path);
  assert.ok(Buffer.isBuffer(bytes));
  const changed = Buffer.from(bytes);
  changed[200] = (changed[200] ?? 0) ^ 1;
  mirror.files.set(path, changed);
  assert.match(await refusal(make(mirror, "packages=evil")), /^invalid: .*hashes to .*and the index says/);
  mirror.files.set(path, bytes.subarray(1));
  assert.match(await refusal(make(mirror, "packages=evil")), /^invalid: .*bytes, and the index says/);
  mirror.files.delete(path);
  assert.match(await refusal(make(mirror, "packages=evil")), /^not-found: .*the server does not have it/);
});

test("refuses an index that is not signed by its key, is another suite's, has expired or is of the future", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  await using other = await TestMirror.start([HELLO, LIBHELLO]);
  assert.match(
    await refusal(
      make(mirror, "packages=hello", {
        settings: {
          ...mirror.settings,
          sourceFiles: other.settings.sourceFiles.map(({ path, text }) => ({
            path,
            text: text.replace(other.url, mirror.url),
          })),
        },
      }),
    ),
    /^denied: .*the key [0-9A-F]{16} is not there/,
  );
  for (const [fields, message] of [
    [{ Suite: "stable" }, /^denied: .*it is for the suite stable/],
    [{ "Valid-Until": "Fri, 31 Jul 2026 00:00:00 UTC" }, /^denied: .*it was valid until 2026-07-31/],
    [{ Date: "Sun, 02 Aug 2026 00:00:00 UTC" }, /^denied: .*has not come yet/],
    [{ Date: "yesterday" }, /^invalid: .*is no date/],
    [{ SHA256: undefined }, /^invalid: .*it has no SHA256 hashes/],
    [{ Architectures: "arm64" }, /^not-found: .*architecture "amd64".*there are arm64/],
  ] as const) {
    mirror.publish(fields);
    assert.match(await refusal(make(mirror)), message);
  }
  mirror.publish({ Codename: "testing", Suite: "unstable", "Valid-Until": "Fri, 31 Jul 2026 00:00:00 UTC" });
  const lenient = {
    ...mirror.settings,
    setting: (name: string) => (name === "Acquire::Check-Valid-Until" ? "false" : undefined),
  };
  await make(mirror, "packages=hello", { settings: lenient });
});

test("follows redirects, but not to anything else than a mirror", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  const path = mirror.add({ name: "moved" });
  mirror.publish();
  const bytes = mirror.files.get(path) ?? assert.fail();
  mirror.files.set("elsewhere", bytes);
  mirror.files.set(path, { location: "/elsewhere" });
  await make(mirror, "packages=moved");
  mirror.files.set(path, { location: "file:///etc/passwd" });
  assert.match(await refusal(make(mirror, "packages=moved")), /^denied: .*redirects to "file:/);
  mirror.files.set(path, { location: `/${path}` });
  assert.match(await refusal(make(mirror, "packages=moved")), /^failed: .*more than 5 redirects/);
});

test("makes an image of packages that dpkg-deb builds, with each of its compressions", async (context) => {
  if (spawnSync("dpkg-deb", ["--version"]).error !== undefined || spawnSync("xz", ["--version"]).error !== undefined) {
    context.skip("there is no dpkg-deb or no xz");
    return;
  }
  await withTemporaryDirectory(async (root) => {
    await using mirror = await TestMirror.start();
    const names = ["gzip", "xz", "zstd", "none"].map((compression) => {
      const deb = { name: `made-${compression}`, version: "1:1.0-1" };
      const tree = join(root, compression);
      mkdirSync(join(tree, "DEBIAN"), { recursive: true });
      mkdirSync(join(tree, "opt"));
      const control = `Package: ${deb.name}\nVersion: ${deb.version}\nArchitecture: amd64\nMaintainer: a <a@b>\nDescription: x\n`;
      writeFileSync(join(tree, "DEBIAN/control"), control);
      writeFileSync(join(tree, "opt", compression), "x".repeat(300_000));
      execFileSync("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "--build", tree, join(root, "made.deb")], {
        stdio: "ignore",
      });
      mirror.add(deb, readFileSync(join(root, "made.deb")));
      return deb.name;
    });
    mirror.publish();
    const image = await make(mirror, `packages=${names}`);
    assert.deepEqual(paths(image, "opt/").toSorted(), ["opt/", "opt/gzip", "opt/none", "opt/xz", "opt/zstd"]);
    assert.equal(textOf(image, "opt/xz").length, 300_000);
  });
});

test("leaves no file behind, made or not", async () => {
  await using mirror = await TestMirror.start([HELLO, LIBHELLO]);
  await withTemporaryDirectory(async (scratchDirectory) => {
    await make(mirror, "packages=hello", { scratchDirectory });
    await refusal(make(mirror, "packages=none", { scratchDirectory }));
    assert.deepEqual(readdirSync(scratchDirectory), []);
  });
});

test("has maintainer scripts run by whoever gives a way to, and refuses them before it fetches anything otherwise", async () => {
  await using mirror = await TestMirror.start([
    { name: "dpkg", entries: [file("usr/bin/dpkg"), file("bin/sh")], control: { preinst: "" } },
    HELLO,
    LIBHELLO,
  ]);
  const query = "packages=dpkg,hello&scripts=yes";
  assert.match(await refusal(make(mirror, query)), /^unsupported: .*there is no container for them$/);
  const foreign = query.replace("scripts", "arch=s390x&scripts");
  const options = { settings: mirror.settings, now: NOW };
  const scriptRunner = async (): Promise<never> => assert.fail("nobody is asked");
  const opening = openDebianSource(`debian:testing?${foreign}`, { ...options, scriptRunner });
  assert.match(await refusal(opening), /^unsupported: .*: they are for s390x, and this machine is /);
  assert.deepEqual(mirror.requests, []);
  if (process.arch !== "x64") return;
  const given: UnpackedImage[] = [];
  const runScripts = async (unpacked: UnpackedImage): Promise<ImageSource> => {
    given.push(unpacked);
    assert.ok(paths(await read(unpacked.source), "usr/bin/").includes("usr/bin/dpkg"));
    return unpacked.source;
  };
  await openDebianSource(`debian:testing?${query}`, { ...options, scriptRunner: async () => runScripts });
  const [{ program, mtime } = assert.fail()] = given;
  assert.equal(mtime, TIME);
  assert.deepEqual(program.args.slice(0, 2), ["/bin/sh", "-c"]);
  assert.match(program.args[2] ?? "", /^preinst dpkg amd64\ndpkg --force-confold --configure -a$/m);
  assert.ok(program.env.includes(`SOURCE_DATE_EPOCH=${TIME}`));
});
