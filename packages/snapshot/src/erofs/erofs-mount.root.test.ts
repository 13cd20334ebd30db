import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createReadStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, temporaryDirectory } from "@orlop/testkit";
import { ErofsLayer } from "./erofs-layer.ts";
import { writeErofs } from "./write-erofs.ts";

/** Names, types, modes, owners, times, links and what they point to; sizes of what is not a directory. */
const DESCRIBE = `find . -type d -printf '%P %y %m %U:%G %n %T@\\n' -o -printf '%P %y %m %U:%G %n %T@ %l %s %D\\n' | sed 's/ [0-9]*$//' | sort
find . -type f -exec sha256sum {} + | sort
find . \\( -type c -o -type b \\) -exec stat -c '%n %t:%T' {} + | sort
getfattr -R -h -d -m - . 2>/dev/null | sort`;

function describe(directory: string): string {
  return execFileSync("sh", ["-c", DESCRIBE], { cwd: directory, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** Somewhere to mount in, all of which is gone afterwards. */
async function withMounts(t: TestContext, work: (place: Place) => Promise<void>): Promise<void> {
  const obstacle = mountObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  using directory = temporaryDirectory("orlop-erofs-", "/run");
  const mounted: string[] = [];
  const place: Place = {
    path: (name) => join(directory.path, name),
    mount: (name, ...args) => {
      const target = join(directory.path, name);
      mkdirSync(target);
      execFileSync("mount", [...args, target], { stdio: "pipe" });
      mounted.unshift(target);
      return target;
    },
  };
  try {
    await work(place);
  } finally {
    for (const target of mounted) execFileSync("umount", [target]);
  }
}

interface Place {
  path(name: string): string;
  mount(name: string, ...args: readonly string[]): string;
}

function mountObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("getfattr", ["--version"]).error !== undefined) return "not installed: attr";
  const known = execFileSync("sh", ["-c", "modprobe -q erofs 2>/dev/null; cat /proc/filesystems"], {
    encoding: "utf8",
  });
  return known.includes("\terofs\n") ? undefined : "needs a kernel with erofs";
}

async function writeLayer(
  place: Place,
  name: string,
  entries: readonly FixtureEntry[],
  below: readonly ErofsLayer[] = [],
): Promise<void> {
  async function* archive(): AsyncGenerator<Buffer> {
    yield makeTar(entries);
  }
  await writeErofs(place.path(name), readTar(archive()), below);
}

const MAKE_TREE = `
mkdir -p files/deep/er etc many empty
for size in 0 1 100 2000 2048 2049 4000 4095 4096 4097 8191 8192 100000 300000 1000000; do
  head -c $size /dev/urandom >files/size-$size
done
head -c 5000000 /dev/zero >files/zeros
head -c 100000 /dev/urandom | dd of=files/holes bs=100000 seek=20 conv=notrunc status=none
truncate -s 7000000 files/holes
for i in $(seq 1500); do echo $i >many/a-rather-long-name-of-a-file-$i; done
ln -s /etc/passwd link; ln -s $(head -c 4000 /dev/zero | tr '\\0' x) long
ln files/size-100 files/deep/er/same
mknod null c 1 3; mknod disk b 259 300; mkfifo fifo
touch -d '2001-02-03 04:05:06.123456789' fifo
touch 'with space' ümläut +plus -- -minus
chown 12345:54321 files/size-1; chmod 4751 files/size-100; chmod 1777 empty
setfattr -n user.colour -v blue files/size-1; setfattr -n user.none etc; setfattr -n trusted.secret -v 0x00ff etc
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 files/size-4096
head -c 3000 /dev/zero | tr '\\0' v >value; setfattr -n user.long -v "$(cat value)" many; setfattr -n user.long -v "$(cat value)" value
touch -d '1999-12-31' etc many files .
`;

suite("a mounted EROFS image", () => {
  test("has what GNU tar unpacks, down to times, owners, devices and attributes", (t) =>
    withMounts(t, async (place) => {
      // In memory, where there are attributes of every kind.
      const tree = place.mount("tree", "-t", "tmpfs", "tree");
      execFileSync("sh", ["-ec", MAKE_TREE], { cwd: tree });
      const archive = place.path("archive.tar");
      execFileSync("tar", ["--format=pax", "--xattrs", "--xattrs-include=*", "-C", tree, "-cf", archive, "."]);
      await writeErofs(place.path("image"), readTar(createReadStream(archive)));
      const image = place.mount("mounted", "-t", "erofs", place.path("image"));
      assert.equal(describe(image), describe(tree));
    }));

  test("is a layer for overlay: whiteouts hide, and directories keep what layers below say of them", (t) =>
    withMounts(t, async (place) => {
      const directory = { type: "5", uid: 3, mode: 0o750 };
      await writeLayer(place, "lower", [
        { path: "d/", ...directory },
        { path: "d/old", content: "old" },
        { path: "gone", content: "gone" },
        { path: "replaced/", type: "5" },
        { path: "replaced/old", content: "old" },
        { path: "kept/", ...directory },
        { path: "lib", type: "2", target: "d" },
      ]);
      using lower = new ErofsLayer(place.path("lower"));
      await writeLayer(
        place,
        "upper",
        [
          { path: ".wh.gone" },
          { path: "d/.wh..wh..opq" },
          { path: "d/new", content: "new" },
          { path: ".wh.replaced" },
          { path: "replaced/new", content: "new" },
          { path: "kept/added", content: "added" },
          { path: "lib/by-link", content: "by link" },
        ],
        [lower],
      );
      const layers = ["upper", "lower"].map((name) => place.mount(`${name}-mounted`, "-t", "erofs", place.path(name)));
      const merged = place.mount("merged", "-t", "overlay", "overlay", "-o", `lowerdir=${layers.join(":")}`);
      const found = execFileSync("find", [".", "-mindepth", "1", "-printf", "%P %y %m %U\\n"], {
        cwd: merged,
        encoding: "utf8",
      });
      assert.deepEqual(found.trim().split("\n").sort(), [
        "d d 750 3",
        "d/by-link f 644 0",
        "d/new f 644 0",
        "kept d 750 3",
        "kept/added f 644 0",
        "lib l 777 0",
        "replaced d 755 0",
        "replaced/new f 644 0",
      ]);
    }));
});
