import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { DEFAULT_CAPABILITIES } from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";
import { CommandFixture } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import type { SuiteOptions } from "./process-suite-fixture.ts";

/** The line `CapEff:` and so on of /proc/self/status for these capabilities. */
function capabilityLine(names: readonly string[]): string {
  const bits = names.reduce((sum, name) => sum | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
  return bits.toString(16).padStart(16, "0");
}

/** What containers are kept from, whoever makes them. */
export function isolationSuite({ skip, stateDirectory }: SuiteOptions): void {
  let fixture: CommandFixture;
  before(() => {
    fixture = new CommandFixture();
  });
  after(() => fixture[Symbol.dispose]());

  async function output(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await fixture.run(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }
  /** Fields of /proc/self/status inside. */
  async function status(...flags: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const text = await output(...flags, "host", "cat", "/proc/self/status");
    return new Map(text.split("\n").map((line) => line.split(/:\s+/) as [string, string]));
  }

  describe("capabilities", { skip }, () => {
    test("are few", async () => {
      const fields = await status();
      for (const set of ["CapEff", "CapPrm", "CapBnd"]) {
        assert.equal(fields.get(set), capabilityLine(DEFAULT_CAPABILITIES), set);
      }
      for (const set of ["CapInh", "CapAmb"]) assert.equal(fields.get(set), capabilityLine([]), set);
    });

    test("are added and dropped", async () => {
      const added = await status("--cap-add", "net_admin", "--cap-drop", "CAP_CHOWN");
      const expected = [...DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_CHOWN"), "CAP_NET_ADMIN"];
      assert.equal(added.get("CapEff"), capabilityLine(expected));
      assert.equal((await status("--cap-drop=ALL")).get("CapBnd"), capabilityLine([]));
      assert.match((await fixture.run(["--cap-add", "NOPE", "host", "true"])).stderr, /unknown capability: "NOPE"/);
    });
  });

  describe("security options", { skip }, () => {
    test("filter system calls unless they are told not to", async () => {
      assert.equal((await status()).get("Seccomp"), "2");
      assert.equal((await status("--security-opt", "seccomp=unconfined")).get("Seccomp"), "0");
      const unshare = ["host", "unshare", "--user", "true"];
      assert.notEqual((await fixture.run(unshare)).exitCode, 0);
      assert.equal((await fixture.run(["--security-opt", "seccomp=unconfined", ...unshare])).exitCode, 0);
    });

    test("take new privileges away", async () => {
      assert.equal((await status()).get("NoNewPrivs"), "0");
      assert.equal((await status("--security-opt", "no-new-privileges")).get("NoNewPrivs"), "1");
    });

    test("unmask what the kernel tells", async () => {
      const masks = ["sh", "-c", "grep -c ' /proc/' /proc/mounts; true"];
      assert.match((await fixture.run(["host", ...masks])).stdout, /^[1-9]/);
      assert.equal((await fixture.run(["--security-opt", "systempaths=unconfined", "host", ...masks])).stdout, "0\n");
    });

    test("that this kernel has not are refused", async (t) => {
      if (existsSync("/sys/kernel/security/apparmor") || existsSync("/sys/fs/selinux/enforce")) {
        t.skip("this kernel has AppArmor or SELinux");
        return;
      }
      for (const option of ["apparmor=mine", "label=type:mine"]) {
        const { exitCode, stderr } = await fixture.run(["--security-opt", option, "host", "true"]);
        assert.equal(exitCode, 125);
        assert.match(stderr, new RegExp(`Cannot use security option "${option}": this kernel has no `));
      }
    });
  });

  describe("the network", { skip }, () => {
    const interfaces = ["sh", "-c", "sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev | sort"];

    test("is none but the loopback", async () => {
      assert.equal(await output("host", ...interfaces), "lo");
      assert.equal(await output("--net=none", "host", "sh", "-c", "cat /sys/class/net/lo/flags"), "0x9");
    });

    test("is the host's when it is asked for", async () => {
      const own = readFileSync("/proc/net/dev", "utf8")
        .split("\n")
        .flatMap((line) => /^ *([^:|]*):/.exec(line)?.[1] ?? [])
        .sort()
        .join("\n");
      assert.equal(await output("--network", "host", "host", ...interfaces), own);
    });
  });

  describe("a privileged container", { skip }, () => {
    test("is not filtered, masked or limited to few devices", async () => {
      const fields = await status("--privileged");
      assert.equal(fields.get("Seccomp"), "0");
      assert.match(fields.get("CapEff") ?? "", /^000001f/);
      const seen = await output(
        "--privileged",
        "host",
        "sh",
        "-c",
        "ls /dev | wc -l; grep -c timer_list /proc/mounts; true",
      );
      const [devices, masks] = seen.split("\n").map(Number);
      assert.ok((devices ?? 0) > 20, seen);
      assert.equal(masks, 0);
    });
  });

  describe("limits of each process", { skip }, () => {
    test("are what they are set to", async () => {
      const limits = ["--ulimit", "nofile=100:200", "--ulimit", "core=0", "--ulimit", "cpu=50"];
      const text = await output(...limits, "host", "cat", "/proc/self/limits");
      assert.match(text, /^Max open files +100 +200 /m);
      assert.match(text, /^Max core file size +0 +0 /m);
      assert.match(text, /^Max cpu time +50 +50 /m);
    });

    test("include how willingly it is killed", async () => {
      assert.equal(await output("--oom-score-adj", "500", "host", "cat", "/proc/self/oom_score_adj"), "500");
    });
  });

  test("kernel parameters of the container's own namespaces are set", { skip }, async () => {
    assert.equal(await output("--sysctl", "kernel.shmmax=4096", "host", "cat", "/proc/sys/kernel/shmmax"), "4096");
    // The value that it has already, lest the test do harm.
    const panic = readFileSync("/proc/sys/kernel/panic", "utf8").trim();
    const { exitCode, stderr } = await fixture.run(["--sysctl", `kernel.panic=${panic}`, "host", "true"]);
    assert.equal(exitCode, 125);
    assert.match(stderr, /kernel\.panic/);
  });

  test("nothing is left of all these containers", { skip }, async () => {
    assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
  });
}
