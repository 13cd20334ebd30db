import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { erofsObstacle } from "@orlop/snapshot";
import { busyboxObstacle, dockerRegistryObstacle, type FixtureEntry, untilNothing } from "@orlop/testkit";
import { containerdObstacle } from "./containerd-fixture.ts";
import { ServedHost } from "./served-host-fixture.ts";

const attributes = { uid: 12, gid: 34, mode: 0o4750 };
const LAYERS: readonly (readonly FixtureEntry[])[] = [
  [
    { path: "removed", content: "old" },
    { path: "data/old", content: "old" },
    { path: "owned", ...attributes, content: "below" },
    { path: "share", type: "2", target: "data" },
  ],
  [
    { path: ".wh.removed" },
    { path: "data/.wh..wh..opq" },
    { path: "data/new", content: "new" },
    { path: "owned", ...attributes, content: "above" },
    { path: "linked", type: "1", target: "owned", ...attributes },
  ],
];
const LOOK =
  "cat /share/new; ls /share /removed 2>&1; stat -c '%u:%g %a %h' /owned; cat /linked; echo; echo w >/data/w; ls /data";
const SEEN = ["newls: /removed: No such file or directory", "/share:", "new", "12:34 4750 2", "above", "new", "w"];

function servedSuite(snapshotter: "erofs" | "overlay" | "blockfile", obstacle: string | undefined): void {
  const skip = containerdObstacle() ?? busyboxObstacle() ?? dockerRegistryObstacle() ?? obstacle ?? false;
  let b: ServedHost;
  const output = (argv: readonly string[]): Promise<string> => b.host.succeeds(argv);

  suite(`containerd with ${snapshotter} of orlop's`, { skip }, () => {
    before(async () => {
      b = await ServedHost.start(snapshotter, LAYERS);
    });
    after(() => b?.[Symbol.asyncDispose]());

    test("pulls an image and runs it", async () => {
      await b.pull();
      // What the first one writes is its own.
      for (const id of ["first", "second"]) {
        const seen = await output(b.run(id, ["--rm"], "sh", "-c", LOOK));
        assert.deepEqual(seen.trim().split("\n"), SEEN);
      }
    });

    test("runs on while the server ends, and is served again by the next one", async () => {
      await output(b.run("lasting", ["--detach"], "sh", "-c", "while :; do sleep 0.1; done"));
      await b.endServer("SIGTERM");
      assert.deepEqual(b.host.list("/run/orlop"), []);
      const script = "cat /data/new; echo more >/data/more; cat /data/more";
      assert.equal(await output(b.ctr("tasks", "exec", "--exec-id", "e", "lasting", "sh", "-c", script)), "newmore\n");
      assert.notEqual((await b.host.call(b.run("none", ["--rm"], "true"))).exitCode, 0);
      await b.serve();
      assert.equal(await output(b.run("next", ["--rm"], "cat", "/data/new")), "new");
      await b.endServer("SIGKILL");
      await b.serve();
      assert.equal(await output(b.run("another", ["--rm"], "cat", "/data/new")), "new");
      assert.match(await output(b.snapshots("usage", "lasting")), /lasting/);
      await b.host.call(b.ctr("tasks", "delete", "--force", "lasting"));
      await output(b.ctr("containers", "delete", "lasting"));
    });

    test("keeps what a container has written, and makes a layer of it", async () => {
      await output(b.run("writer", [], "sh", "-c", "echo mine >/data/mine; rm /data/new"));
      await output(b.snapshots("commit", "written", "writer"));
      const info = JSON.parse(await output(b.snapshots("info", "written"))) as { readonly Kind: string };
      assert.equal(info.Kind, "Committed");
      await output(b.snapshots("prepare", "above", "written"));
      const mounts = (await output(b.snapshots("mounts", "/run/above", "above"))).trim();
      const look = `mkdir /run/above && ${mounts} && ls /run/above/data && umount /run/above`;
      assert.equal(await output(["sh", "-c", look]), "mine\n");
      await output(b.snapshots("rm", "above"));
      await output(b.ctr("containers", "delete", "writer"));
      await output(b.snapshots("rm", "written"));
    });

    test("leaves no layers of images that are gone, and nothing mounted", async () => {
      await output(b.ctr("images", "rm", "--sync", b.image));
      await untilNothing("layers", () => b.layers());
      assert.deepEqual(b.mounted(), []);
      assert.equal(await output(b.snapshots("list")), "KEY PARENT KIND \n");
      await b.pull();
      assert.equal(await output(b.run("again", ["--rm"], "cat", "/data/new")), "new");
      await b.endContainerd();
      await b.endServer("SIGTERM");
      await untilNothing("mounts", () => b.host.mounts().filter((path) => path.startsWith(b.state)));
      assert.deepEqual([b.mounted(), b.host.list("/run/orlop")], [[], []]);
    });
  });
}

servedSuite("overlay", undefined);
servedSuite("erofs", erofsObstacle());
servedSuite("blockfile", existsSync("/dev/loop-control") ? undefined : "needs loop devices");
