import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ProbeContext } from "./probe-dump.ts";
import { probeFinished, readProbe } from "./read-probe.ts";

const context: ProbeContext = {
  containerId: "test-7",
  bundleName: "bundle-x1",
  cgroups: new Map([["/user/me", "<caller's cgroup>"]]),
  namespaces: new Map([
    ["net:[4026531840]", "host"],
    ["ipc:[4026532999]", "path"],
  ]),
};

/** Sections as the probe prints them, with only those that a test is about. */
function output(sections: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(sections)
    .map(([name, lines]) => [`@@ ${name}`, ...lines, ""].join("\n"))
    .join("");
}

function factsOf(section: string, ...lines: readonly string[]): Record<string, string> {
  const facts = Object.fromEntries(readProbe(output({ [section]: lines }), context));
  // The two that are there even when nothing was printed.
  for (const key of ["process arguments", "process io priority", "environment order"]) {
    if (facts[key] === "") delete facts[key];
  }
  return facts;
}

suite("readProbe", () => {
  test("names a mount by its place and leaves its numbers out", () => {
    const facts = factsOf(
      "files",
      "/proc/1/mountinfo:65 43 254:0 /tmp/bundle-x1/rootfs / ro,relatime - ext4 /dev/vda rw",
      "/proc/1/mountinfo:66 65 0:40 / /proc rw,nosuid shared:12 - proc proc rw",
      "/proc/1/mountinfo:67 66 0:41 /null /proc rw master:3 - tmpfs tmpfs rw,size=64k",
    );
    assert.equal(facts["mount / root"], "<bundle>/rootfs");
    assert.equal(facts["mount / device"], "254:0");
    assert.equal(facts["mount / parent"], "outside");
    assert.equal(facts["mount /proc propagation"], "shared");
    assert.equal(facts["mount /proc device"], "none");
    assert.equal(facts["mount /proc parent"], "/");
    assert.equal(facts["mount /proc#2 root"], "/null");
    assert.equal(facts["mount /proc#2 propagation"], "master");
    assert.equal(facts["mount /proc#2 parent"], "/proc");
  });

  test("tells namespaces of the host, of a given path and new ones apart", () => {
    const line = (type: string, identity: string): string =>
      `/proc/1/ns/${type}|777|'/proc/1/ns/${type}' -> '${identity}'`;
    const facts = factsOf(
      "links",
      line("net", "net:[4026531840]"),
      line("ipc", "ipc:[4026532999]"),
      line("uts", "uts:[4026533000]"),
      "/proc/1/cwd|777|'/proc/1/cwd' -> '/home/test-7'",
    );
    assert.deepEqual(facts, {
      "namespace net": "host",
      "namespace ipc": "path",
      "namespace uts": "new",
      "process cwd": "/home/<id>",
    });
  });

  test("keeps what a runtime sets of a status file and leaves use out", () => {
    const facts = factsOf(
      "files",
      "/proc/1/status:Name:\tbusybox",
      "/proc/1/status:Umask:\t0022",
      "/proc/1/status:Pid:\t1",
      "/proc/1/status:NSpid:\t77\t1",
      "/proc/1/status:VmRSS:\t    1676 kB",
      "/proc/1/status:Groups:\t5 2000 ",
      "/proc/1/status:CapEff:\t00000000a80425fb",
      "/proc/1/status:Seccomp:\t2",
    );
    assert.deepEqual(facts, {
      "process umask": "0022",
      "process pid namespaces": "2",
      "ids groups": "5 2000",
      "capabilities effective": "00000000a80425fb",
      "seccomp mode": "2",
    });
  });

  test("reads limits with and without a unit", () => {
    const facts = factsOf(
      "files",
      "/proc/1/limits:Limit                     Soft Limit           Hard Limit           Units     ",
      "/proc/1/limits:Max open files            256                  1024                 files     ",
      "/proc/1/limits:Max nice priority         0                    0                    ",
    );
    assert.deepEqual(facts, { "limit Max open files": "256 1024", "limit Max nice priority": "0 0" });
  });

  test("reads scheduling from a stat file whose name holds spaces and parentheses", () => {
    const fields =
      "S 0 1 1 34816 1 4194560 91 0 0 0 0 0 0 0 25 5 1 0 171415 2322432 401 18446744073709551615 1 1 1 0 0 0";
    const rest = " 0 4 65538 1 0 0 17 0 0 3 0 0 0";
    const facts = factsOf("files", `/proc/1/stat:1 (a) b) ${fields}${rest}`);
    assert.equal(facts["process session"], "own");
    assert.equal(facts["process terminal"], "yes");
    assert.equal(facts["process foreground group"], "own");
    assert.equal(facts["process priority"], "25");
    assert.equal(facts["process nice"], "5");
    assert.equal(facts["process exit signal"], "17");
    assert.equal(facts["process policy"], "3");
  });

  test("names cgroups by what they are relative to", () => {
    const facts = factsOf(
      "files",
      "/proc/1/cgroup:4:memory:/user/me/test-7",
      "/proc/1/cgroup:0::/test-7",
      "/sys/fs/cgroup/pids/pids.max:77",
    );
    assert.deepEqual(facts, {
      "cgroup memory": "<caller's cgroup>/<id>",
      "cgroup unified": "/<id>",
      "resource pids/pids.max": "77",
    });
  });

  test("reads device nodes, links and directories", () => {
    const facts = factsOf(
      "dev",
      "/dev|directory|755|0|0|0,0|/dev",
      "/dev/null|character special file|666|0|5|1,3|/dev/null",
      "/dev/loop|block special file|660|0|0|7,ff|/dev/loop",
      "/dev/fd|symbolic link|777|0|0|0,0|'/dev/fd' -> '/proc/self/fd'",
      "find: /dev/gone: No such file or directory",
    );
    assert.deepEqual(facts, {
      "dev /dev": "directory 755 0:0",
      "dev /dev/null": "character special file 666 0:5 1:3",
      "dev /dev/loop": "block special file 660 0:0 7:255",
      "dev /dev/fd": "link to /proc/self/fd",
    });
  });

  test("shows a descriptor that a runtime leaked, and not the outside's own", () => {
    const sections = {
      links: [
        "/proc/1/fd/0|500|'/proc/1/fd/0' -> 'pipe:[25481]'",
        "/proc/1/fd/1|300|'/proc/1/fd/1' -> '/tmp/out'",
        "/proc/1/fd/2|700|'/proc/1/fd/2' -> '/dev/pts/0'",
        "/proc/1/fd/7|500|'/proc/1/fd/7' -> 'socket:[99]'",
        "/proc/1/fd/10|500|'/proc/1/fd/10' -> '/probe.sh'",
      ],
      descriptors: ["/proc/1/fdinfo/2:flags:\t0100002", "/proc/1/fdinfo/7:flags:\t02"],
    };
    const facts = Object.fromEntries(readProbe(output(sections), context));
    assert.equal(facts["descriptor 0"], "outside");
    assert.equal(facts["descriptor 1"], "outside");
    assert.equal(facts["descriptor 2"], "/dev/pts/0 700 flags 2");
    assert.equal(facts["descriptor 7"], "socket: 500 flags 2");
    assert.equal(facts["descriptor 10"], undefined);
  });

  test("keeps the order of the environment, and values with newlines", () => {
    assert.deepEqual(factsOf("environment", "B=1", "A=x\u0001y", "B=2"), {
      "environment order": "B A B",
      "environment B": "1",
      "environment A": "x\u0001y",
      "environment B#2": "2",
    });
  });

  test("reads the terminal through carriage returns, its size apart from its settings", () => {
    const text = "@@ terminal\r\n/dev/pts/0\r\nspeed 38400 baud; rows 40; columns 100; line = 0;\r\nisig icanon\r\n";
    const facts = Object.fromEntries(readProbe(text, context));
    assert.equal(facts["terminal name"], "/dev/pts/0");
    assert.equal(facts["terminal size"], "rows 40; columns 100");
    assert.equal(facts["terminal settings"], "speed 38400 baud; line = 0; isig icanon");
  });

  test("says nothing of the host's interfaces when the container shares them", () => {
    const shared = "/proc/1/ns/net|777|'/proc/1/ns/net' -> 'net:[4026531840]'";
    const own = "/proc/1/ns/net|777|'/proc/1/ns/net' -> 'net:[1]'";
    const addresses = ["1: lo    inet 127.0.0.1/8 scope host lo"];
    const facts = (link: string): Record<string, string> =>
      Object.fromEntries(readProbe(output({ links: [link], addresses }), context));
    assert.equal(facts(shared)["network line"], undefined);
    assert.equal(facts(own)["network line"], "lo inet 127.0.0.1/8 scope host lo");
  });

  test("finds the container's keyring and leaves those of others out", () => {
    const facts = factsOf(
      "keys",
      "2a1f I--Q---     3 perm 3f1b0000     0     0 keyring   _ses.test-7: empty",
      "1f0b I--Q---     1 perm 1f3f0000     0 65534 keyring   _uid.0: empty",
      "1f0d I--Q---     1 perm 1f3f0000     0     0 keyring   _ses.somebody-elses: empty",
      "1f0c I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: empty",
    );
    assert.deepEqual(facts, { "keyring _ses.<id>": "I--Q--- perm 3f1b0000 0:0" });
  });

  test("knows whether the probe ran to its end", () => {
    assert.equal(probeFinished("@@ shell\numask 0022\n"), false);
    assert.equal(probeFinished("@@ shell\numask 0022\n@@ end\n"), true);
  });
});
