import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { LayoutWriter } from "@orlop/testkit";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

interface FilesSuiteOptions extends SuiteOptions {
  /** Why there can be no root file system of busybox. */
  readonly busyboxObstacle: string | undefined;
  readonly makeBusybox: (directory: string) => void;
}

/** What containers see of the host's files and of their images', whoever makes them. */
export function filesSuite({ busyboxObstacle, makeBusybox, ...options }: FilesSuiteOptions): void {
  const c = new SuiteContext(options);
  const noBusybox = busyboxObstacle ?? false;
  before(() => {
    if (options.skip === false && noBusybox === false) makeBusybox(c.place("rootfs"));
  });
  hostCases(c);
  mountCases(c, noBusybox);
  directoryCases(c, noBusybox);
  layoutCases(c, noBusybox);
  c.testLeftovers();
}

function hostCases(c: SuiteContext): void {
  describe("the host's files", { skip: c.skip }, () => {
    test("are seen and not changed", async () => {
      writeFileSync(c.place("file"), "host");
      const script = `cat ${c.place("file")}; echo container > ${c.place("file")}; cat ${c.place("file")}; rm -r /etc; ls /etc 2>&1 || true`;
      const seen = await c.output("host", "sh", "-c", script);
      assert.match(seen, /^hostcontainer\n/);
      assert.equal(readFileSync(c.place("file"), "utf8"), "host");
      assert.ok(existsSync("/etc/passwd"));
    });

    test("do not include what the machine is doing", async () => {
      const seen = await c.output("host", "sh", "-c", "ls -A /run; ls /proc | grep -c '^[0-9]*$'");
      assert.match(seen, /^\d$/m, "there are only the container's processes");
      assert.ok(!seen.includes("systemd"), seen);
    });

    test("can be made read-only as a whole", async () => {
      for (const path of ["/x", "/usr/x", "/etc/x", "/tmp/x", "/var/tmp/x"]) {
        const { exitCode, stderr } = await c.run(["--read-only", "host", "touch", path]);
        assert.notEqual(exitCode, 0, path);
        assert.match(stderr, /Read-only file system/, path);
      }
      assert.equal(
        await c.output("--read-only", "--tmpfs", "/tmp", "host", "sh", "-c", "echo x > /tmp/x; cat /tmp/x"),
        "x",
      );
    });

    test("do not carry the container's own root on top", async () => {
      const { stdout } = await c.run(["host", "sh", "-c", "cat /proc/mounts; stat -c 'above %d:%i' / /.."]);
      const places = stdout.split("\n").flatMap((line) => (line.startsWith("above") ? [] : [line.split(" ")[1] ?? ""]));
      assert.equal(places.filter((each) => each === "/").length, 1);
      const [root, above] = stdout.split("\n").filter((line) => line.startsWith("above"));
      assert.equal(above, root);
    });
  });
}

function mountCases(c: SuiteContext, noBusybox: string | false): void {
  describe("mounts", { skip: c.skip }, () => {
    test("bind directories, writable and not", async () => {
      mkdirSync(c.place("bound"));
      writeFileSync(c.place("bound/file"), "1");
      const bind = `${c.place("bound")}:/inside`;
      assert.equal(await c.output("-v", bind, "host", "sh", "-c", "cat /inside/file; echo 2 > /inside/file"), "1");
      assert.equal(readFileSync(c.place("bound/file"), "utf8"), "2\n");
      const { exitCode, stderr } = await c.run(["-v", `${bind}:ro`, "host", "touch", "/inside/file"]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /Read-only file system/);
      const owner = statSync(c.place("bound/file"));
      assert.equal(owner.uid, process.getuid?.());
    });

    test("bind files, and relative paths", async () => {
      writeFileSync(c.place("one"), "one");
      assert.equal(await c.output("-v", "./one:/etc/hostname:ro", "host", "cat", "/etc/hostname"), "one");
      assert.equal(await c.output("--mount", "type=bind,src=one,dst=/new/place", "host", "cat", "/new/place"), "one");
    });

    test("make a directory that is missing for -v, and refuse it for --mount", async () => {
      assert.equal(await c.output("-v", `${c.place("made/deep")}:/m`, "host", "sh", "-c", "touch /m/x; ls /m"), "x");
      assert.deepEqual(readdirSync(c.place("made/deep")), ["x"]);
      const { exitCode, stderr } = await c.run(["--mount", `type=bind,src=${c.place("nope")},dst=/m`, "host", "true"]);
      assert.equal(exitCode, 125);
      assert.match(stderr, /bind source path does not exist/);
      assert.equal(existsSync(c.place("nope")), false);
    });

    test("have memory of the asked size, mode and options", async () => {
      const script = "grep ' /t ' /proc/mounts; stat -c %a /t; cp /bin/true /t/true && /t/true; echo $?";
      const closed = await c.output("--tmpfs", "/t:size=1m,mode=750", "host", "sh", "-c", `${script}; true`);
      assert.match(closed, /nosuid,nodev,noexec.*size=1024k/);
      assert.match(closed, /^750$/m);
      assert.match(closed, /^126$/m);
      assert.match(await c.output("--tmpfs", "/t:exec", "host", "sh", "-c", script), /^0$/m);
      const mounted = await c.output(
        "--mount",
        "type=tmpfs,dst=/t,tmpfs-size=2m,readonly",
        "host",
        "sh",
        "-c",
        "grep ' /t ' /proc/mounts",
      );
      assert.match(mounted, /^tmpfs \/t tmpfs ro,.*size=2048k/);
      assert.match(await c.output("--shm-size", "3m", "host", "grep", " /dev/shm ", "/proc/mounts"), /size=3072k/);
    });

    test("come in an order in which they can be made", async () => {
      mkdirSync(c.place("outer"), { recursive: true });
      const args = ["--tmpfs", "/o/inner", "-v", `${c.place("outer")}:/o`];
      assert.equal(await c.output(...args, "host", "sh", "-c", "touch /o/inner/x /o/y; ls /o/inner"), "x");
      assert.deepEqual(readdirSync(c.place("outer")).sort(), ["inner", "y"]);
    });

    test("do not follow a link of the container out of it", async (t) => {
      if (noBusybox !== false) {
        t.skip(noBusybox);
        return;
      }
      mkdirSync(c.place("target"));
      symlinkSync(c.place("target"), c.place("rootfs/escape"));
      const { stderr } = await c.run(["--tmpfs", "/escape/planted", `dir:${c.place("rootfs")}`, "true"]);
      assert.match(stderr, /^$|Cannot mount tmpfs at "\/escape\/planted"/);
      assert.deepEqual(readdirSync(c.place("target")), []);
    });

    test("give devices", async () => {
      assert.equal(
        await c.output("--device", "/dev/zero:/dev/nought", "host", "head", "-c", "3", "/dev/nought"),
        "\0\0\0",
      );
      const { exitCode } = await c.run(["host", "test", "-e", "/dev/nought"]);
      assert.equal(exitCode, 1);
    });
  });
}

function directoryCases(c: SuiteContext, noBusybox: string | false): void {
  describe("a directory as an image", { skip: c.skip || noBusybox }, () => {
    test("is seen, and changed only when it may be", async () => {
      const script = "ls /; echo x > /written; cat /written";
      assert.match(await c.output(`dir:${c.place("rootfs")}`, "sh", "-c", script), /bin\n(.*\n)*x$/);
      assert.equal(existsSync(c.place("rootfs/written")), false);
      assert.match(await c.output("dir:./rootfs:rw", "sh", "-c", script), /x$/);
      assert.equal(readFileSync(c.place("rootfs/written"), "utf8"), "x\n");
    });

    test("runs a shell when nothing else is said, as its root, in its home", async () => {
      const { stdout } = await c.run(["-i", `dir:${c.place("rootfs")}`], { input: "id -u; pwd; echo $HOME" });
      assert.equal(stdout, "0\n/\n/root\n");
    });

    test("knows its own name", async () => {
      const seen = await c.output(
        "-h",
        "box",
        `dir:${c.place("rootfs")}`,
        "cat",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/resolv.conf",
      );
      assert.match(seen, /^box\n127\.0\.0\.1\tlocalhost\n/);
      assert.match(seen, /^127\.0\.0\.1\tbox$/m);
      const shared = await c.output("--network", "host", `dir:${c.place("rootfs")}`, "cat", "/etc/resolv.conf");
      assert.equal(shared, readFileSync("/etc/resolv.conf", "utf8").trim());
    });
  });
}

function layoutCases(c: SuiteContext, noBusybox: string | false): void {
  describe("an image of a layout", { skip: c.skip || noBusybox }, () => {
    const makeLayout = (): string => {
      const layout = new LayoutWriter(c.place("layout"));
      const tar = execFileSync("tar", ["-C", c.place("rootfs"), "--exclude=./escape", "-cf", "-", "."], {
        maxBuffer: 1 << 26,
      });
      const config = {
        Env: ["IMAGE=yes", "PATH=/bin"],
        Entrypoint: ["/bin/sh", "-c"],
        Cmd: ["echo $IMAGE; pwd"],
        WorkingDir: "/tmp",
      };
      layout.publish([
        layout.manifest({ layers: [{ tar, compression: "zstd" }], config, tag: "one" }),
        layout.manifest({ layers: [{ tar }], config: { Cmd: ["/bin/echo", "two"] }, tag: "two" }),
      ]);
      return layout.directory;
    };

    test("runs as its config says, and is unpacked for no longer than that", async () => {
      const layout = makeLayout();
      assert.equal(await c.output(`oci:${layout}:one`), "yes\n/tmp");
      assert.equal(await c.output(`oci:${layout}:one`, "echo own"), "own");
      assert.equal(await c.output("--entrypoint", "/bin/echo", `oci:${layout}:one`, "e"), "e");
      assert.equal(await c.output("oci:./layout:two"), "two");
      assert.deepEqual(c.fixture.leftOver(), []);
    });

    test("that is missing or has no such tag is refused", async () => {
      const missing = await c.run(["oci:/no/layout", "true"]);
      assert.equal(missing.exitCode, 125);
      assert.match(missing.stderr, /Cannot use image layout "\/no\/layout": it has no oci-layout/);
      const untagged = await c.run([`oci:${c.place("layout")}:three`, "true"]);
      assert.equal(untagged.exitCode, 125);
      assert.match(untagged.stderr, /Cannot find image "three" in "oci:.*"; there are one, two/);
    });
  });
}
