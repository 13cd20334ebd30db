import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Linux, type Mount, type OrlopError, ROOTFS_PROPAGATIONS } from "@orlop/core";
import { readCgroupLayout } from "@orlop/kernel";
import { callsOf, refuseFirst } from "./faulty-program-fixture.ts";
import { type ProcessBench, type SpecChanges, withBench } from "./process-bench-fixture.ts";

function withMounts(bench: ProcessBench, ...added: readonly Mount[]): SpecChanges {
  return { top: { mounts: [...(bench.spec([]).mounts ?? []), ...added] } };
}

suite("memory as a mount", () => {
  test("has the mode of the directory that it covers, unless another is asked for", (t) =>
    withBench(t, async (bench) => {
      for (const [name, mode] of [
        ["kept", 0o2750],
        ["asked", 0o700],
        ["readonly", 0o711],
      ] as const) {
        mkdirSync(join(bench.rootfs, name));
        chmodSync(join(bench.rootfs, name), mode);
      }
      const memory = (destination: string, ...options: readonly string[]): Mount => ({
        destination,
        type: "tmpfs",
        source: "tmpfs",
        options,
      });
      const changes = withMounts(
        bench,
        memory("/kept"),
        memory("/asked", "mode=1755"),
        memory("/readonly", "ro"),
        memory("/made"),
      );
      const { output } = await bench.run("stat -c '%n %a' /kept /asked /readonly /made; touch /readonly/x", changes);
      assert.equal(output, "/kept 2750\n/asked 1755\n/readonly 711\n/made 1777\n");
    }));
});

test("a bind has the attributes of its source, or with any attribute of its own these alone", (t) =>
  withBench(t, async (bench) => {
    const source = bench.path("source");
    mkdirSync(source);
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,noexec,nosuid,noatime,nosymfollow", "orlop-test", source]);
    try {
      const bind = (destination: string, ...options: readonly string[]): Mount => ({
        destination,
        source,
        options: ["bind", ...options],
      });
      const changes = withMounts(
        bench,
        bind("/plain", "rprivate"),
        bind("/named", "nodev"),
        bind("/read", "ro", "exec"),
        bind("/links", "ro", "nosymfollow"),
      );
      const script = "for m in plain named read links; do grep \" /$m \" /proc/self/mountinfo | cut -d ' ' -f 6; done";
      const { output } = await bench.run(script, changes);
      assert.equal(
        output,
        "ro,nosuid,noexec,noatime,nosymfollow\nrw,nodev,noatime\nro,noatime\nro,noatime,nosymfollow\n",
      );
    } finally {
      execFileSync("umount", [source]);
    }
  }));

suite("a mount at a link that leads to nothing", () => {
  test("lands where it leads inside the root, for files and directories, over links to links", (t) =>
    withBench(t, async (bench) => {
      const { rootfs } = bench;
      for (const [name, target] of [
        ["etc/resolv.conf", "../run/resolve/stub"],
        ["jump", "/tmp/far/off"],
        ["etc/far", "/jump/on/hosts"],
        ["etc/out", "../../../../../outside/file"],
        ["etc/folder", "/srv/folder"],
      ] as const) {
        symlinkSync(target, join(rootfs, name));
      }
      writeFileSync(bench.path("file"), "bound\n");
      mkdirSync(bench.path("folder"));
      writeFileSync(bench.path("folder/file"), "in a folder\n");
      const bind = (destination: string, source: string): Mount => ({ destination, source, options: ["bind"] });
      const files = ["resolv.conf", "far", "out"].map((name) => bind(`/etc/${name}`, bench.path("file")));
      const changes = withMounts(bench, ...files, bind("/etc/folder", bench.path("folder")));
      const places = ["/run/resolve/stub", "/tmp/far/off/on/hosts", "/outside/file", "/srv/folder"];
      const script = `cat ${places.slice(0, 3).join(" ")} /srv/folder/file; cut -d ' ' -f 5 /proc/self/mountinfo`;
      const { output } = await bench.run(script, changes);
      const [first, second, third, fourth, ...mounted] = output.trimEnd().split("\n");
      assert.deepEqual([first, second, third, fourth], ["bound", "bound", "bound", "in a folder"]);
      for (const place of places) assert.ok(mounted.includes(place), place);
    }));

  test("is made as named where the link is covered by an earlier mount, or leads in circles", (t) =>
    withBench(t, async (bench) => {
      mkdirSync(join(bench.rootfs, "covered"));
      symlinkSync("/tmp/elsewhere", join(bench.rootfs, "covered/link"));
      writeFileSync(bench.path("file"), "bound\n");
      const bind = { destination: "/covered/link", source: bench.path("file"), options: ["bind"] };
      const memory = { destination: "/covered", type: "tmpfs", source: "tmpfs" };
      const { output } = await bench.run("cat /covered/link", withMounts(bench, memory, bind));
      assert.equal(output, "bound\n");
      assert.ok(!existsSync(join(bench.rootfs, "tmp/elsewhere")));
      symlinkSync("circle", join(bench.rootfs, "circle"));
      const circle = bench.request("true", withMounts(bench, { ...bind, destination: "/circle" }));
      await assert.rejects(bench.runtime.create(circle), { errno: "ELOOP" });
    }));
});

test("mounts are listed in the order of the config, those that stay peers of the host's as well", (t) =>
  withBench(t, async (bench) => {
    mkdirSync(bench.path("source"));
    const bind = (name: string, ...more: readonly string[]): Mount => ({
      destination: `/${name}`,
      source: bench.path("source"),
      options: ["bind", ...more],
    });
    const changes = withMounts(bench, bind("first"), bind("second", "shared"), bind("third"));
    const { output } = await bench.run(
      "grep -Eo ' /(first|second|third) .* shared| /(first|second|third) ' /proc/self/mountinfo",
      changes,
    );
    const places = output.split("\n").map((line) => line.trim().split(" "));
    assert.equal(places.find(([place]) => place === "/second")?.at(-1), "shared");
    const [major = 0, minor = 0] = release().split(".").map(Number);
    if (major < 6 || (major === 6 && minor < 15)) return t.skip("the kernel copies only what is attached (Linux 6.15)");
    assert.deepEqual(
      places.map(([place]) => place),
      ["/first", "/second", "/third", ""],
    );
  }));

suite("a bind whose source is a place on the host that lies in the root", () => {
  const bind = (source: string, destination: string, ...more: readonly string[]): Mount => ({
    source,
    destination,
    options: ["rbind", ...more],
  });

  test("finds what earlier mounts have put there, in a user namespace or without one", (t) =>
    withBench(t, async (bench) => {
      for (const name of ["a/x", "b/y"]) {
        mkdirSync(bench.path(`source/${name}`), { recursive: true });
        writeFileSync(bench.path(`source/${name}/file`), name);
      }
      // Init of a user namespace does not reach the sources.
      chmodSync(bench.path("source"), 0o700);
      const mounts = [
        bind(bench.path("source/a"), "/mnt"),
        bind(bench.path("source/b"), "/mnt/x"),
        // A destination of the host's means the place in the root as well.
        bind(`${bench.rootfs}/mnt/x/y`, `${bench.rootfs}/mnt/x/y`),
        bind(`${bench.rootfs}/mnt`, `${bench.rootfs}/final`),
      ];
      const mappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      const { namespaces = [] } = bench.spec([]).linux ?? {};
      const user: Linux = {
        namespaces: [...namespaces, { type: "user" }],
        uidMappings: mappings,
        gidMappings: mappings,
      };
      for (const linux of [{}, user]) {
        const { output } = await bench.run("cat /final/x/y/file; cut -d ' ' -f 5 /proc/self/mountinfo", {
          ...withMounts(bench, ...mounts),
          linux,
        });
        const [file = "", ...places] = output.split(/(?<=y)\n?(?=\/)/);
        assert.equal(file, "b/y");
        assert.match(places.join("\n"), /^\/final\/x\/y$/m);
        assert.ok(!existsSync(join(bench.rootfs, bench.rootfs)), "no place of the host's is made in the root");
      }
    }));

  test("can have its owners mapped, in a user namespace, too", (t) =>
    withBench(t, async (bench) => {
      const memory: Mount = { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["uid=7", "gid=7"] };
      const mappings = [{ containerID: 0, hostID: 1000, size: 100 }];
      const mapped: Mount = {
        ...bind(`${bench.rootfs}/mnt`, "/final", "idmap"),
        uidMappings: mappings,
        gidMappings: mappings,
      };
      const changes = withMounts(bench, memory, mapped);
      const { output } = await bench.run("stat -c %u:%g /mnt /final", changes);
      assert.equal(output, "7:7\n1007:1007\n");
      const { namespaces = [] } = bench.spec([]).linux ?? {};
      const linux: Linux = {
        namespaces: [...namespaces, { type: "user" }],
        uidMappings: mappings,
        gidMappings: mappings,
      };
      chownSync(bench.rootfs, 1000, 1000);
      mkdirSync(bench.path("roots"));
      const roots = bind(bench.path("roots"), "/roots");
      const twice = [
        { ...bind(`${bench.rootfs}/roots`, "/once", "idmap"), uidMappings: mappings, gidMappings: mappings },
        bind(`${bench.rootfs}/once`, "/again", "ridmap"),
      ];
      const inside = await bench.run("stat -c %u:%g /mnt /final /roots /once", {
        ...withMounts(bench, memory, mapped, roots, ...twice.slice(0, 1)),
        linux,
      });
      assert.equal(inside.output, "7:7\n7:7\n65534:65534\n0:0\n");
      const again = bench.request("true", { ...withMounts(bench, roots, ...twice), linux });
      await assert.rejects(bench.runtime.create(again), {
        message: /^Cannot map the owners of "\/again": /,
        field: /^mounts\[\d+\].options$/,
      });
    }));
});

for (const where of ["the host's user namespace", "a user namespace"]) {
  test(`nothing that is mounted in ${where} shows on a host whose mounts are shared`, (t) =>
    withBench(t, async (bench) => {
      const places = [bench.rootfs, bench.path("source")];
      mkdirSync(bench.path("source"));
      for (const place of places) execFileSync("mount", ["--bind", place, place]);
      try {
        for (const place of places) execFileSync("mount", ["--make-shared", place]);
        const below = (): readonly string[] =>
          readFileSync("/proc/self/mountinfo", "utf8")
            .split("\n")
            .filter((line) => line.includes(bench.directory));
        const before = below();
        const mappings = [{ containerID: 0, hostID: 1000, size: 100 }];
        const { namespaces = [] } = bench.spec([]).linux ?? {};
        const own: Linux = { uidMappings: mappings, gidMappings: mappings };
        const linux: Linux = where.startsWith("a") ? { ...own, namespaces: [...namespaces, { type: "user" }] } : {};
        for (const place of places) chownSync(place, 1000, 1000);
        const data: Mount = { destination: "/data", type: "bind", source: bench.path("source"), options: ["rbind"] };
        const memory: Mount = { destination: "/data/memory", type: "tmpfs", source: "tmpfs" };
        const { output } = await bench.run("grep -c ' /data/memory ' /proc/self/mountinfo", {
          ...withMounts(bench, data, memory),
          linux,
        });
        assert.equal(output, "1\n");
        assert.deepEqual(below(), before);
      } finally {
        for (const place of places) execFileSync("umount", ["--recursive", place]);
      }
    }));
}

test("a /dev that comes behind the cgroups has its devices all the same", (t) =>
  withBench(t, async (bench) => {
    const { mounts = [] } = bench.spec([]);
    const isDev = ({ destination }: Mount): boolean => destination === "/dev" || destination.startsWith("/dev/");
    const cgroups = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] };
    const others = mounts.filter((mount) => !isDev(mount) && mount.destination !== cgroups.destination);
    const below = { destination: "/sys/fs/cgroup/own", type: "tmpfs", source: "tmpfs" };
    const top = { mounts: [...others, cgroups, ...mounts.filter(isDev)] };
    const { output } = await bench.run(
      "echo lost >/dev/null; stat -c %F /dev/null /dev/shm; ls /sys/fs/cgroup | wc -l",
      {
        top,
      },
    );
    assert.match(output, /^character special file\ndirectory\n[1-9]\d*\n$/);
    // What lies below the cgroups stays behind them, where nobody can make a place for it.
    const covered = bench.request("true", { top: { mounts: [...others, cgroups, below, ...mounts.filter(isDev)] } });
    await assert.rejects(bench.runtime.create(covered), { field: `mounts[${others.length + 1}]` });
  }));

suite("hierarchies of cgroups of version 1", () => {
  const { v1 } = readCgroupLayout();
  const skip = v1.length === 0 ? "this machine has none" : false;
  const cgroups = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] };
  const look = "grep ' - cgroup ' /proc/self/mountinfo | cut -d' ' -f4,5,6";

  test("have the container's cgroup for a root, and are not written to", { skip }, (t) =>
    withBench(t, async (bench) => {
      const write = "for each in /sys/fs/cgroup/*; do mkdir $each/x 2>&1; done | grep -c Read-only";
      const { output } = await bench.run(`${look}; ${write}`, withMounts(bench, cgroups));
      const lines = output.trim().split("\n");
      assert.equal(lines.pop(), String(v1.length));
      assert.equal(lines.length, v1.length);
      for (const line of lines) assert.match(line, /^\/ \/sys\/fs\/cgroup\/\S+ ro,nosuid,nodev,noexec,relatime$/);
    }),
  );

  test("show the same where a container has the host's cgroup namespace", { skip }, (t) =>
    withBench(t, async (bench) => {
      const namespaces = (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => type !== "cgroup");
      const changes = { ...withMounts(bench, cgroups), linux: { namespaces } };
      const { output } = await bench.run(`cut -d: -f3 /proc/self/cgroup; echo; ${look}`, changes);
      const [own = "", mounts = ""] = output.trim().split("\n\n");
      const roots = mounts.split("\n").map((line) => line.split(" ")[0] ?? "");
      assert.equal(roots.length, v1.length);
      for (const root of roots) assert.ok(root !== "/" && own.split("\n").includes(root), output);
    }),
  );
});

suite("a read-only /dev", () => {
  test("still gets a console", (t) =>
    withBench(t, async (bench) => {
      const mounts = (bench.spec([]).mounts ?? []).map((mount) =>
        mount.destination === "/dev" ? { ...mount, options: [...(mount.options ?? []), "ro"] } : mount,
      );
      const script = "stat -c %F /dev/console; touch /dev/x";
      const changes = { process: { terminal: true }, top: { mounts } };
      const { output } = await bench.run(script, changes);
      assert.match(output, /^character special file\r\n.*Read-only file system/);
    }));

  test("of a read-only root does, too", (t) =>
    withBench(t, async (bench) => {
      const own = ["/dev", "/dev/shm", "/dev/mqueue"];
      const mounts = (bench.spec([]).mounts ?? []).filter(({ destination }) => !own.includes(destination));
      mkdirSync(join(bench.rootfs, "dev/pts"), { recursive: true });
      rmSync(join(bench.rootfs, "dev/console"), { force: true });
      const top = { mounts, root: { path: bench.rootfs, readonly: true } };
      const { output } = await bench.run("stat -c %F /dev/console; touch /dev/x", { process: { terminal: true }, top });
      assert.match(output, /^character special file\r\n.*Read-only file system/);
    }));
});

suite("a bind", () => {
  test("has a mount point of its source's kind made, whatever that is when it is taken", (t) =>
    withBench(t, async (bench) => {
      writeFileSync(bench.path("file"), "");
      bench.makeDirectory("directory");
      bench.fifo("fifo");
      const bind = (name: string, destination: string): Mount => ({
        destination,
        source: bench.path(name),
        options: ["bind"],
      });
      const changes = withMounts(
        bench,
        bind("file", "/made/deep/file"),
        bind("directory", "/made/deep/directory"),
        bind("fifo", "/made/fifo"),
        bind("changes", "/made/changes"),
      );
      writeFileSync(bench.path("changes"), "");
      // Between the compiler's time and the program's.
      bench.mutate = (program) => {
        rmSync(bench.path("changes"));
        bench.makeDirectory("changes");
        return program;
      };
      const script = "cd /made; stat -c '%n %F' deep/file deep/directory fifo changes";
      const { output } = await bench.run(script, changes);
      assert.equal(output, "deep/file regular empty file\ndeep/directory directory\nfifo fifo\nchanges directory\n");
      assert.ok(statSync(join(bench.rootfs, "made/fifo")).isFile());
    }));
});

/** Prints options and optional fields of the mount at a place: proc_pid_mountinfo(5). */
const showMount = (place: string): string =>
  `awk '$5 == "${place}" { print $6; for (at = 7; $at != "-"; at++) print $at; print $NF }' /proc/self/mountinfo`;

suite("the root's propagation", () => {
  const tags: Readonly<Record<string, RegExp>> = {
    // A peer group of its own: no slave of the host's.
    shared: /^(?!.*master).*\nshared:\d+\n/s,
    slave: /^(?!.*(shared|unbindable))/s,
    private: /^(?!.*(shared|master|unbindable))/s,
    unbindable: /\nunbindable\n/,
  };

  test("is what the config says, also of the mounts below, whatever is masked and read-only there", (t) =>
    withBench(t, async (bench) => {
      for (const rootfsPropagation of ROOTFS_PROPAGATIONS) {
        const linux = { rootfsPropagation, maskedPaths: ["/proc/kcore", "/proc/scsi"], readonlyPaths: ["/proc/sys"] };
        const script = `${showMount("/")}; echo below; ${showMount("/proc")}; ${showMount("/proc/sys")}`;
        const [root = "", below = ""] = (await bench.run(script, { linux })).output.split("below\n");
        const word = rootfsPropagation in tags ? rootfsPropagation : rootfsPropagation.slice(1);
        assert.match(root, tags[word] ?? /^$/, rootfsPropagation);
        if (word !== rootfsPropagation) assert.match(below, tags[word] ?? /^$/, rootfsPropagation);
      }
    }));
});

suite("a mount's propagation", () => {
  test("is changed the old way where the kernel does not know mount_setattr, also below", (t) =>
    withBench(t, async (bench) => {
      bench.mutate = (program) => refuseFirst(program, callsOf(program, "mount_setattr", /\/volume"/));
      bench.makeDirectory("volume");
      const bind = { destination: "/volume", source: bench.path("volume"), options: ["rbind", "rshared"] };
      const { output } = await bench.run(showMount("/volume"), withMounts(bench, bind));
      assert.match(output, /\nshared:\d+\n/);
    }));
});

suite("a remount", () => {
  const memory: Mount = { destination: "/memory", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=64k"] };
  const remount = (...options: readonly string[]): Mount => ({
    destination: "/./memory",
    options: ["remount", ...options],
  });

  test("gives what is mounted other options, and its file system, too", (t) =>
    withBench(t, async (bench) => {
      const changes = withMounts(bench, memory, remount("ro", "noexec", "size=128k"));
      const { output } = await bench.run(showMount("/memory"), changes);
      assert.match(output, /^ro,noexec,relatime\nro,.*size=128k/);
      const again = withMounts(bench, memory, remount("ro"), remount("nodev"));
      assert.match((await bench.run(showMount("/memory"), again)).output, /^rw,nodev,relatime\nrw,.*size=64k/);
    }));

  test("together with bind is for the mount alone", (t) =>
    withBench(t, async (bench) => {
      const changes = withMounts(bench, memory, remount("bind", "ro"));
      assert.match((await bench.run(showMount("/memory"), changes)).output, /^ro,relatime\nrw,/);
      const root = { destination: "/", options: ["bind", "remount", "ro"] };
      const { output } = await bench.run("touch /made || echo refused", withMounts(bench, root));
      assert.equal(output, "refused\n");
    }));

  test("of nothing, of a host's file system or with what only new mounts have is refused by the field", (t) =>
    withBench(t, async (bench) => {
      const bind = { destination: "/volume", source: bench.makeDirectory("volume"), options: ["bind"] };
      const own = (bench.spec([]).mounts ?? []).length;
      for (const [mounts, message] of [
        [[remount("ro")], /^Cannot remount "\/memory": nothing is mounted there by an earlier entry/],
        [[bind, { destination: "/volume", options: ["remount", "ro"] }], /^Cannot remount "\/volume": it is a bind/],
        [[memory, remount("idmap")], /^Cannot remount "\/memory": idmap and tmpcopyup are for new mounts/],
        [[memory, remount("bind", "size=1m")], /^Cannot remount "\/memory": a bind has no option "size=1m"/],
      ] as const) {
        const field = `mounts[${own + mounts.length - 1}].options`;
        await assert.rejects(bench.start("true", withMounts(bench, ...mounts)), { code: "invalid", field, message });
      }
      const nowhere = withMounts(bench, { destination: "/tmp", options: ["remount", "bind", "ro"] });
      await assert.rejects(bench.start("true", nowhere), { errno: "EINVAL", message: /^Cannot remount "\/tmp"/ });
    }));
});

suite("a new file system", () => {
  test("is given recursive attributes as its own", (t) =>
    withBench(t, async (bench) => {
      const memory = { destination: "/memory", type: "tmpfs", options: ["nosuid", "rro", "rnoexec", "rsuid"] };
      const { output } = await bench.run(showMount("/memory"), withMounts(bench, memory));
      assert.match(output, /^ro,noexec,relatime\n/);
    }));

  test("takes the words of mount(8) that mean nothing to it", (t) =>
    withBench(t, async (bench) => {
      const words = ["silent", "iversion", "loud", "noiversion", "async", "defaults"];
      const memory = { destination: "/memory", type: "tmpfs", options: words };
      assert.match((await bench.run(showMount("/memory"), withMounts(bench, memory))).output, /^rw,relatime\n/);
    }));

  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const inUserNamespace = (bench: ProcessBench): Partial<Linux> => ({
    namespaces: [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" }],
    uidMappings: ids,
    gidMappings: ids,
  });

  test("has its owners mapped where the kernel can do it, in a user namespace and without one", (t) =>
    withBench(t, async (bench) => {
      const memory = { destination: "/tmp", type: "tmpfs", options: ["idmap", "mode=755", "nosuid"] };
      const own = { ...memory, options: ["mode=755", "nosuid"], uidMappings: ids, gidMappings: ids };
      const inside = bench.run(`touch /tmp/x; stat -c '%u:%g' /tmp /tmp/x; ${showMount("/tmp")}`, {
        ...withMounts(bench, memory),
        linux: inUserNamespace(bench),
      });
      const obstacle = await inside.then(
        () => undefined,
        (reason: OrlopError) => reason,
      );
      if (obstacle !== undefined) {
        assert.match(obstacle.message, /^Cannot map the owners of "\/tmp": this kernel cannot do that/);
        return t.skip("the kernel cannot map the owners of a tmpfs (Linux 6.3)");
      }
      assert.match((await inside).output, /^0:0\n0:0\nrw,nosuid,relatime,idmapped\n/);
      // To the mapped file system root outside is nobody.
      const outside = await bench.run(`touch /tmp/x || stat -c '%u:%g' /tmp`, withMounts(bench, own));
      assert.equal(outside.output, "100000:100000\n");
    }));

  test("is refused by the field where its owners cannot be mapped", (t) =>
    withBench(t, async (bench) => {
      const mounts = bench.spec([]).mounts ?? [];
      const proc = mounts.findIndex(({ type }) => type === "proc");
      const top = { mounts: mounts.map((mount, at) => (at === proc ? { ...mount, options: ["idmap"] } : mount)) };
      await assert.rejects(bench.start("true", { top, linux: inUserNamespace(bench) }), {
        errno: "EINVAL",
        field: `mounts[${proc}].options`,
      });
      const copy = { destination: "/tmp", type: "tmpfs", options: ["tmpcopyup", "idmap"] };
      const changes = { ...withMounts(bench, copy), linux: inUserNamespace(bench) };
      await assert.rejects(bench.start("true", changes), {
        code: "unsupported",
        field: `mounts[${mounts.length}].options`,
      });
    }));
});
