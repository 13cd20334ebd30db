import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs, withTemporaryDirectory } from "@orlop/testkit";
import { parseFlags } from "../flags/parse-flags.ts";
import { readMachineView } from "./machine-view.ts";
import { openRuntime } from "./open-runtime.ts";
import { prepareContainer } from "./prepare-container.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { runOnCurrentRoot } from "./run-on-current-root.ts";
import { readRunOptions } from "./run-options.ts";

const skip = process.getuid?.() === 0 ? (busyboxObstacle() ?? false) : "needs root";

test("a container runs although a file of its root vanishes after the look at it", { skip }, () =>
  withTemporaryDirectory(async (directory) => {
    const root = join(directory, "root");
    makeBusyboxRootfs(root);
    mkdirSync(join(root, "parted/below"), { recursive: true });
    // Taken apart because of what is mounted in it: then each file is bound by its name.
    execFileSync("mount", ["-t", "tmpfs", "orlop-test", join(root, "parted/below")]);
    try {
      writeFileSync(join(root, "parted/below/file"), "");
      writeFileSync(join(root, "parted/vanishes"), "");
      writeFileSync(join(root, "parted/stays"), "");
      const machine = readMachineView();
      const args = [`dir:${root}`, "sh", "-c", "test -e /parted/stays && ! test -e /parted/vanishes"];
      await using prepared = await prepareContainer(readRunOptions(parseFlags(RUN_FLAGS, args), machine), machine);
      using open = await openRuntime({ kind: "process" }, join(directory, "state"), "inherit");
      rmSync(join(root, "parted/vanishes"));
      await assert.rejects(open.run(prepared.request), { errno: "ENOENT", operation: /^bind ".*vanishes"/ });
      await runOnCurrentRoot(prepared, open.run);
      assert.equal((await open.runtime.wait(prepared.id)).exitCode, 0);
      await open.runtime.delete(prepared.id);
    } finally {
      execFileSync("umount", [join(root, "parted/below")]);
    }
  }),
);
