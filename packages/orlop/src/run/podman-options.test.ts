import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { parseFlags } from "../flags/parse-flags.ts";
import { containerEnvironment } from "./container-environment.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { type RunOptions, readRunOptions } from "./run-options.ts";
import { timeZoneFile } from "./time-zone.ts";
import { parseVolume } from "./volume-flag.ts";

const ENV = { HTTP_PROXY: "http://proxy:3128", no_proxy: "localhost", SHELL: "/bin/zsh" };

function read(...args: readonly string[]): RunOptions {
  const modules = { apparmor: false, selinux: false };
  return readRunOptions(parseFlags(RUN_FLAGS, args), { cwd: "/here", env: ENV, cpuCount: 4, modules, rootless: false });
}

describe("variables", () => {
  const environment = (...args: readonly string[]): readonly string[] => {
    const { variables, bareEnvironment } = read(...args, "host");
    const image = ["A=image", "B=image"];
    const isBare = bareEnvironment === true;
    return containerEnvironment({ hostname: "box", tty: false, image, variables, home: "/root", isBare });
  };

  test("are taken away, but for those that are set beside", () => {
    const left = environment("--unsetenv", "A", "--unsetenv", "HOSTNAME", "--unsetenv", "B", "-e", "B=own");
    assert.deepEqual(
      left.filter((each) => !each.startsWith("PATH=")),
      ["B=own", "HOME=/root"],
    );
    assert.deepEqual(environment("--unsetenv-all", "-e", "ONLY=1"), ["ONLY=1"]);
  });

  test("are the caller's where they are asked for, all or those of proxies", () => {
    const proxied = environment("--http-proxy");
    assert.deepEqual(
      ["HTTP_PROXY=http://proxy:3128", "no_proxy=localhost"].every((each) => proxied.includes(each)),
      true,
    );
    assert.equal(proxied.includes("SHELL=/bin/zsh"), false);
    assert.equal(environment("--env-host", "-e", "SHELL=/bin/sh").includes("SHELL=/bin/sh"), true);
    assert.equal(environment("--env-host").includes("SHELL=/bin/zsh"), true);
    assert.equal(environment().includes("no_proxy=localhost"), false);
  });
});

describe("podman's flags of run", () => {
  test("are read", () => {
    const options = read("--umask", "0077", "--tz", "Europe/Berlin", "--personality", "LINUX32", "--no-hosts", "host");
    assert.deepEqual(
      [options.umask, options.timeZone, options.personality, options.imageFiles],
      [0o77, "Europe/Berlin", "LINUX32", ["hosts"]],
    );
    const unified = { "memory.high": "100", "io.weight": "default 50" };
    assert.deepEqual(read("--cgroup-conf=memory.high=100", "--cgroup-conf", "io.weight=default 50", "host").limits, {
      unified,
    });
    assert.deepEqual(read("--image-volume", "ignore", "host").imageVolumes, "ignore");
    assert.equal(read("--image-volume", "bind", "host").imageVolumes, undefined);
  });

  test("have a directory stand for the image", () => {
    assert.deepEqual(read("--rootfs", "./root", "sh").image, { kind: "directory", path: "/here/root", writable: true });
    assert.deepEqual(read("--rootfs", "/root:O", "sh").image, { kind: "directory", path: "/root", writable: false });
    assert.throws(() => read("--rootfs", "/root:idmap", "sh"), { code: "unsupported", message: /there is O/ });
  });

  test("choose a platform by its parts", () => {
    assert.deepEqual(read("--os=linux", "--arch=arm", "--variant=v6", "busybox").platform, {
      os: "linux",
      architecture: "arm",
      variant: "v6",
    });
    assert.throws(() => read("--arch=arm64", "--platform=linux/amd64", "busybox"), { code: "invalid" });
  });

  test("give a read-only container memory to write to, where nothing else is", () => {
    const places = read("--read-only", "--read-only-tmpfs", "-v", "/a:/tmp", "host").mounts.map(({ mount }) => [
      mount.destination,
      mount.type,
    ]);
    assert.deepEqual(places, [
      ["/tmp", "bind"],
      ["/run", "tmpfs"],
      ["/var/tmp", "tmpfs"],
    ]);
    assert.deepEqual(read("--read-only-tmpfs", "host").mounts, []);
  });

  test("name a pod by a file", () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, "pod");
    writeFileSync(file, "0123abcd\n");
    assert.equal(read("--pod-id-file", file, "host").pod, "0123abcd");
    assert.throws(() => read("--pod-id-file", file, "--pod", "web", "host"), { code: "invalid" });
  });

  const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [["--umask", "8"], /three octal digits/],
    [["--umask", "1777"], /three octal digits/],
    [["--tz", "../../etc/shadow"], /name of a time zone/],
    [["--tz", "/etc/passwd"], /name of a time zone/],
    [["--cgroup-conf", "../x.y=1"], /FILE=VALUE/],
    [["--cgroup-conf", "memory.high"], /FILE=VALUE/],
    [["--replace"], /without --name/],
    [["--no-hosts", "--add-host", "a:1.2.3.4"], /exclude each other/],
    [["--uidmap", "0:1:2"], /user namespace/],
    [["--tls-verify=false"], /pull the image beforehand/],
    [["--systemd", "always"], /--tmpfs \/run/],
    [["-a", "stdio"], /valid streams are STDIN, STDOUT and STDERR/],
    [["-d", "-a", "stdout"], /cannot specify both --attach and --detach/],
    [["--volumes-from", "a:rx"], /invalid mode for volumes-from: rx/],
    [["--volumes-from", ":ro"], /CONTAINER\[:ro\|rw\]/],
  ];
  for (const [args, message] of refusals) {
    test(`are refused: ${args.join(" ")}`, () => assert.throws(() => read(...args, "host"), { message }));
  }
});

test("volumes of others are read with how they are mounted", () => {
  const read2 = (...args: readonly string[]): RunOptions["volumesFrom"] => read(...args, "host").volumesFrom;
  assert.deepEqual(read2("--volumes-from", "a", "--volumes-from", "b:ro"), [
    { container: "a", readonly: false },
    { container: "b", readonly: true },
  ]);
  assert.deepEqual(read2("--volumes-from", "a:ro,b:rw"), [
    { container: "a", readonly: true },
    { container: "b", readonly: false },
  ]);
  assert.equal(read2(), undefined);
});

test("streams to be connected with are read in any spelling, and input with -i", () => {
  assert.deepEqual(read("-a", "STDOUT", "host").attach, new Set(["stdout"]));
  assert.deepEqual(read("-i", "--attach", "stderr", "host").attach, new Set(["stderr", "stdin"]));
  assert.equal(read("-i", "host").attach, undefined);
});

test("binds have podman's options", () => {
  const { mount, discards, createSource } = parseVolume("/a:/b:O,noexec,nosuid", "/");
  assert.deepEqual(mount.options, ["rbind", "noexec", "nosuid", "rprivate"]);
  assert.deepEqual([discards, createSource], [true, undefined]);
  assert.deepEqual(parseVolume("data:/b:ro,nodev", "/").mount.options, ["rbind", "rro", "nodev", "rprivate"]);
  assert.deepEqual(parseVolume("/a:/b:z,ro", "/"), parseVolume("/a:/b:ro", "/"));
  assert.throws(() => parseVolume("/a:/b:Z", "/", { selinux: true }), {
    code: "unsupported",
    message: /SELinux labels/,
  });
  const given = parseVolume("/a:/b:U,ro", "/");
  assert.deepEqual([given.isGiven, given.createSource], [true, undefined]);
  assert.equal(parseVolume("data:/b:U", "/").isGiven, true);
  assert.throws(() => parseVolume("/a:/b:O,U", "/"), { code: "invalid", message: /its files stay as they are/ });
  assert.throws(() => parseVolume("/a:/b:O,upperdir=/c", "/"), { code: "unsupported", message: /"upperdir"/ });
  assert.throws(() => parseVolume("/a:/b:ro,O", "/"), { code: "invalid" });
});

test("a time zone that this machine does not know is not found", () => {
  using directory = temporaryDirectory();
  for (const zone of ["Atlantis/Poseidonis", "Europe"]) {
    assert.throws(() => timeZoneFile(directory.path, zone), { code: "not-found" }, zone);
  }
});
