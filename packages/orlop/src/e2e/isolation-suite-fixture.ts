import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { DEFAULT_CAPABILITIES } from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** What containers are kept from, whoever makes them. */
export function isolationSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  capabilityCases(c);
  securityOptionCases(c);
  networkCases(c);
  privilegeCases(c);
  processLimitCases(c);
  sysctlCases(c);
  c.testLeftovers();
}

/** The line `CapEff:` and so on of /proc/self/status for these capabilities. */
function capabilityLine(names: readonly string[]): string {
  const bits = names.reduce((sum, name) => sum | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
  return bits.toString(16).padStart(16, "0");
}

/** Fields of /proc/self/status inside. */
async function status(c: SuiteContext, ...flags: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const text = await c.output(...flags, "host", "cat", "/proc/self/status");
  return new Map(text.split("\n").map((line) => line.split(/:\s+/) as [string, string]));
}

function capabilityCases(c: SuiteContext): void {
  describe("capabilities", { skip: c.skip }, () => {
    test("are few", async () => {
      const fields = await status(c);
      for (const set of ["CapEff", "CapPrm", "CapBnd"]) {
        assert.equal(fields.get(set), capabilityLine(DEFAULT_CAPABILITIES), set);
      }
      for (const set of ["CapInh", "CapAmb"]) assert.equal(fields.get(set), capabilityLine([]), set);
    });

    test("are added and dropped", async () => {
      const added = await status(c, "--cap-add", "net_admin", "--cap-drop", "CAP_CHOWN");
      const expected = [...DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_CHOWN"), "CAP_NET_ADMIN"];
      assert.equal(added.get("CapEff"), capabilityLine(expected));
      assert.equal((await status(c, "--cap-drop=ALL")).get("CapBnd"), capabilityLine([]));
      assert.match((await c.run(["--cap-add", "NOPE", "host", "true"])).stderr, /unknown capability: "NOPE"/);
    });
  });
}

function securityOptionCases(c: SuiteContext): void {
  describe("security options", { skip: c.skip }, () => {
    test("filter system calls unless they are told not to", async () => {
      assert.equal((await status(c)).get("Seccomp"), "2");
      assert.equal((await status(c, "--security-opt", "seccomp=unconfined")).get("Seccomp"), "0");
      const unshare = ["host", "unshare", "--user", "true"];
      assert.notEqual((await c.run(unshare)).exitCode, 0);
      assert.equal((await c.run(["--security-opt", "seccomp=unconfined", ...unshare])).exitCode, 0);
    });

    test("filter by a profile of the user's", async () => {
      const path = c.place("profile.json");
      const profile = (rule: object): string =>
        JSON.stringify({
          defaultAction: "SCMP_ACT_ALLOW",
          archMap: [
            { architecture: "SCMP_ARCH_X86_64", subArchitectures: [] },
            { architecture: "SCMP_ARCH_AARCH64", subArchitectures: [] },
          ],
          syscalls: [{ names: ["mkdir", "mkdirat"], ...rule }],
        });
      const flags = ["--security-opt", `seccomp=${path}`, "host", "mkdir", "/tmp/made"];
      writeFileSync(path, profile({ action: "SCMP_ACT_ALLOW" }));
      assert.equal((await c.run(flags)).exitCode, 0);
      writeFileSync(path, profile({ action: "SCMP_ACT_ERRNO", errnoRet: 99 }));
      assert.match((await c.run(flags)).stderr, /Cannot assign requested address/);
      writeFileSync(path, profile({ action: "SCMP_ACT_NOPE" }));
      const bad = await c.run(flags);
      assert.equal(bad.exitCode, 125);
      assert.match(bad.stderr, /SCMP_ACT_NOPE/);
      const missing = await c.run(["--security-opt", "seccomp=/no/such", "host", "true"]);
      assert.equal(missing.exitCode, 125);
      assert.match(missing.stderr, /Cannot read seccomp profile "\/no\/such": no such file or directory/);
    });

    test("take new privileges away", async () => {
      assert.equal((await status(c)).get("NoNewPrivs"), "0");
      assert.equal((await status(c, "--security-opt", "no-new-privileges")).get("NoNewPrivs"), "1");
    });

    test("unmask what the kernel tells", async () => {
      const masks = ["sh", "-c", "grep -c ' /proc/' /proc/mounts; true"];
      assert.match((await c.run(["host", ...masks])).stdout, /^[1-9]/);
      assert.equal((await c.run(["--security-opt", "systempaths=unconfined", "host", ...masks])).stdout, "0\n");
    });

    test("that this kernel has not are refused", async (t) => {
      if (existsSync("/sys/kernel/security/apparmor") || existsSync("/sys/fs/selinux/enforce")) {
        t.skip("this kernel has AppArmor or SELinux");
        return;
      }
      for (const option of ["apparmor=mine", "label=type:mine"]) {
        const { exitCode, stderr } = await c.run(["--security-opt", option, "host", "true"]);
        assert.equal(exitCode, 125);
        assert.match(stderr, new RegExp(`Cannot use security option "${option}": this kernel has no `));
      }
    });
  });
}

function networkCases(c: SuiteContext): void {
  describe("the network", { skip: c.skip }, () => {
    const interfaces = ["sh", "-c", "sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev | sort"];

    test("is none but the loopback", async () => {
      assert.equal(await c.output("host", ...interfaces), "lo");
      assert.equal(await c.output("--net=none", "host", "sh", "-c", "cat /sys/class/net/lo/flags"), "0x9");
    });

    test("is the host's when it is asked for", async () => {
      const own = readFileSync("/proc/net/dev", "utf8")
        .split("\n")
        .flatMap((line) => /^ *([^:|]*):/.exec(line)?.[1] ?? [])
        .sort()
        .join("\n");
      assert.equal(await c.output("--network", "host", "host", ...interfaces), own);
    });
  });
}

function privilegeCases(c: SuiteContext): void {
  describe("a privileged container", { skip: c.skip }, () => {
    test("is not filtered, masked or limited to few devices", async () => {
      const fields = await status(c, "--privileged");
      assert.equal(fields.get("Seccomp"), "0");
      assert.match(fields.get("CapEff") ?? "", /^000001f/);
      const seen = await c.output(
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
}

function processLimitCases(c: SuiteContext): void {
  describe("limits of each process", { skip: c.skip }, () => {
    test("are what they are set to", async () => {
      const limits = ["--ulimit", "nofile=100:200", "--ulimit", "core=0", "--ulimit", "cpu=50", "--ulimit", "stack=-1"];
      const text = await c.output(...limits, "host", "cat", "/proc/self/limits");
      assert.match(text, /^Max open files +100 +200 /m);
      assert.match(text, /^Max core file size +0 +0 /m);
      assert.match(text, /^Max cpu time +50 +50 /m);
      assert.match(text, /^Max stack size +unlimited +unlimited /m);
    });

    test("include how willingly it is killed", async () => {
      assert.equal(await c.output("--oom-score-adj", "500", "host", "cat", "/proc/self/oom_score_adj"), "500");
    });
  });
}

function sysctlCases(c: SuiteContext): void {
  test("kernel parameters of the container's own namespaces are set", { skip: c.skip }, async () => {
    assert.equal(await c.output("--sysctl", "kernel.shmmax=4096", "host", "cat", "/proc/sys/kernel/shmmax"), "4096");
    // The value that it has already, lest the test do harm.
    const panic = readFileSync("/proc/sys/kernel/panic", "utf8").trim();
    const { exitCode, stderr } = await c.run(["--sysctl", `kernel.panic=${panic}`, "host", "true"]);
    assert.equal(exitCode, 125);
    assert.match(stderr, /kernel\.panic/);
  });
}
