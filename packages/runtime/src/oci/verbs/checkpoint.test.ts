import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { defaultSpec } from "@orlop/core";
import { withTemporaryDirectory, writeBundle } from "@orlop/testkit";
import { callOci } from "../call-fixture.ts";
import { FakeContainers } from "../fake-containers-fixture.ts";

const env = { PATH: "/sbin" };

suite("the verb checkpoint", () => {
  test("says below the working directory, without a flag, where images go", async () => {
    const containers = new FakeContainers().with("a", "running");
    assert.equal((await callOci(["checkpoint", "a"], { containers, cwd: "/here", env })).exitCode, 0);
    const off = ["tcpEstablished", "extUnixSk", "shellJob", "fileLocks", "lazyPages", "autoDedup"];
    const dump = ["leaveRunning", "tcpSkipInFlight", "linkRemap", "preDump"];
    const none = Object.fromEntries([...off, ...dump].map((name) => [name, false]));
    assert.deepEqual(containers.checkpoints, [{ id: "a", env, imagePath: "/here/checkpoint", ...none }]);
  });

  test("passes every flag on", () =>
    withTemporaryDirectory(async (path) => {
      mkdirSync(join(path, "before"));
      const containers = new FakeContainers().with("a", "running");
      const switches =
        "--leave-running --tcp-established --tcp-skip-in-flight --ext-unix-sk --shell-job --file-locks".split(" ");
      const more =
        "--lazy-pages --auto-dedup --link-remap --pre-dump --manage-cgroups-mode full --empty-ns network".split(" ");
      const places = ["--image-path", join(path, "images"), "--work-path", "work", "--parent-path", "../before"];
      const remote = ["--status-fd", "5", "--page-server", "[::1]:80"];
      const args = ["checkpoint", ...switches, ...more, ...places, ...remote, "a"];
      mkdirSync(join(path, "images"));
      const { exitCode, stderr } = await callOci(args, { containers, cwd: "/here", env });
      assert.equal(exitCode, 0, stderr);
      const [{ id, env: _, ...choices } = { id: "" }] = containers.checkpoints;
      assert.equal(id, "a");
      assert.deepEqual(choices, {
        imagePath: join(path, "images"),
        workPath: "/here/work",
        parentPath: "../before",
        cgroupsMode: "full",
        pageServer: { address: "::1", port: 80 },
        statusFd: 5,
        ...{ tcpEstablished: true, extUnixSk: true, shellJob: true, fileLocks: true, lazyPages: true, autoDedup: true },
        ...{ leaveRunning: true, tcpSkipInFlight: true, linkRemap: true, preDump: true },
      });
    }));

  for (const [args, message] of [
    [["--parent-path", "/absolute"], /--parent-path must be relative/],
    [["--parent-path", "../nowhere"], /invalid --parent-path/],
    [["--page-server", "localhost:80"], /Use --page-server ADDRESS:PORT/],
    [["--page-server", "127.0.0.1:70000"], /Use --page-server ADDRESS:PORT/],
    [["--manage-cgroups-mode", "hard"], /one of ignore, soft, full, strict/],
    [["--empty-ns", "pid"], /only be done to network/],
    [["--status-fd", "1"], /no descriptor from 3 on/],
  ] as const) {
    test(`refuses ${args.join(" ")}`, async () => {
      const containers = new FakeContainers().with("a", "running");
      const { exitCode, stderr } = await callOci(["checkpoint", ...args, "a"], { containers, env });
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
      assert.deepEqual(containers.checkpoints, []);
    });
  }
});

suite("the verb restore", () => {
  test("asks for a container of the bundle, with the images' flags", () =>
    withTemporaryDirectory(async (bundle) => {
      writeBundle(bundle, defaultSpec());
      const containers = new FakeContainers();
      const flags = [
        "--detach",
        "-no-subreaper",
        "--image-path",
        "/images",
        "--file-locks",
        "--tcp-close",
        "--lsm-profile",
        "apparmor:x",
      ];
      const { exitCode, stderr } = await callOci(["restore", "--bundle", bundle, ...flags, "a"], { containers, env });
      assert.equal(exitCode, 0, stderr);
      const [request] = containers.restores;
      const { id, detach, keep, imagePath, fileLocks, tcpClose, lsmProfile, preserveFds } = request ?? {};
      assert.deepEqual(
        {
          id,
          detach,
          keep,
          imagePath,
          fileLocks,
          tcpClose,
          lsmProfile,
          preserveFds,
          bundle: request?.bundle,
          env: request?.env,
        },
        {
          id: "a",
          detach: true,
          keep: false,
          imagePath: "/images",
          fileLocks: true,
          tcpClose: true,
          lsmProfile: "apparmor:x",
          preserveFds: 0,
          bundle,
          env,
        },
      );
    }));
});
