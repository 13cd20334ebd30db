import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { defaultSpec } from "@orlop/core";
import type { CgroupLayout } from "@orlop/kernel";
import { verifyProgram } from "@orlop/kernel";
import { assertGolden, fullTextOf, outlineOf } from "../process/golden-program-fixture.ts";
import { FIXED_HOST, fixedPlan } from "../process/plan-fixture.ts";
import { compileDump } from "./compile-dump.ts";
import { compileRestore } from "./compile-restore.ts";
import { restoreOptions } from "./plan-restore.ts";

const criu = { path: "/usr/sbin/criu", env: ["PATH=/usr/sbin"] };
const request = Buffer.from("<the request>");
const places = { imagePath: "/images", workPath: "/work" };

const layout: CgroupLayout = {
  mode: "v2",
  v1: [],
  v2: {
    version: 2,
    controllers: ["cpu"],
    name: undefined,
    mountPoint: "/sys/fs/cgroup",
    mountRoot: "/outer",
    ownPath: "/outer/own",
    ownDirectory: "/sys/fs/cgroup/own",
    readOnly: false,
    noPrefix: false,
  },
};

/** The default container in a pod's network, with two binds and a hook. */
function plan() {
  const spec = defaultSpec();
  const { linux, mounts = [] } = spec;
  const namespaces = (linux?.namespaces ?? []).filter(({ type }) => type !== "network");
  return fixedPlan(
    {
      ...spec,
      annotations: { "org.criu.config": "/etc/criu/this-one.conf" },
      hooks: { createRuntime: [{ path: "/hook" }] },
      mounts: [
        ...mounts,
        { type: "bind", source: "/srv/data", destination: "/data/", options: ["rbind"] },
        { type: "bind", source: "relative", destination: "/tmp/file", options: ["bind", "ro"] },
      ],
      linux: {
        ...linux,
        namespaces: [...namespaces, { type: "network", path: "/run/netns/pod" }, { type: "ipc", path: "/run/ipc" }],
      },
    },
    { style: { startOnCommand: false, orphaned: true } },
  );
}

suite("a program that calls criu", () => {
  test("to dump is kept in full", () => {
    const program = compileDump({ host: FIXED_HOST, criu, request, ...places, statusFd: 5 });
    verifyProgram(program);
    assertGolden("dump-in-full.txt", fullTextOf(program));
  });

  test("to restore is kept in outline", () => {
    const program = compileRestore(plan(), {
      criu,
      request,
      ...places,
      namespaces: ["/run/netns/pod"],
      root: "/rootfs",
    });
    verifyProgram(program);
    assertGolden("restore.txt", outlineOf(program));
  });

  test("to restore a terminal for the caller is one that can be executed", () => {
    const terminal = fixedPlan({
      ...defaultSpec(),
      process: { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, terminal: true },
    });
    verifyProgram(compileRestore(terminal, { criu, request, ...places, namespaces: [], root: "/rootfs" }));
  });
});

suite("what criu is asked for", () => {
  test("to restore is kept for a container with a bit of everything", () => {
    const options = restoreOptions(
      plan(),
      {
        ...places,
        tcpEstablished: true,
        fileLocks: false,
        cgroupsMode: "strict",
        tcpClose: true,
        lsmProfile: "apparmor:a",
      },
      {
        root: "/rootfs",
        streams: ["file[18:3]:/dev/null", "pipe:[7]", "pipe:[7]"],
        mounts: [{ id: 1, parentId: 0, device: "8:1", mountPoint: "/srv/data/disk", options: [], type: "ext4" }],
        layout,
      },
    );
    assertGolden("restore-request.json", `${JSON.stringify(options, undefined, 2)}\n`);
  });

  test("is refused for namespaces that it cannot join", () => {
    const { linux, ...spec } = defaultSpec();
    const namespaces = [{ type: "cgroup", path: "/run/cgroup" }] as const;
    const around = { root: "/rootfs", streams: [], mounts: [], layout };
    assert.throws(() => restoreOptions(fixedPlan({ ...spec, linux: { ...linux, namespaces } }), places, around), {
      code: "unsupported",
      message: 'Cannot restore into cgroup namespace "/run/cgroup": criu cannot join one',
    });
  });
});
