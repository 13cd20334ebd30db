import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { until } from "@orlop/testkit";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { SystemdCalls, type TestedSystemd } from "../e2e/systemd-calls-fixture.ts";

const NAMES = ["container-unit-kept", "container-unit-new", "orlop-restart"] as const;
const PROGRAM = ["host", "sh", "-c", "echo begun; exec sleep 1000"] as const;

/** Units of `generate systemd`, run by systemd itself. */
export function unitsSuite(title: string, systemd: TestedSystemd): void {
  const { flags, directory, env, obstacle } = systemd;
  describe(title, { skip: obstacle ?? false }, () => {
    const withUnits = async (
      work: (
        call: SystemdCalls,
        generate: (name: string, ...args: readonly string[]) => Promise<void>,
      ) => Promise<void>,
    ): Promise<void> => {
      using fixture = new CommandFixture(env);
      const call = new SystemdCalls(fixture, systemd);
      const generate = async (name: string, ...args: readonly string[]): Promise<void> => {
        mkdirSync(directory, { recursive: true });
        const text = await call.orlop("generate", "systemd", ...args);
        writeFileSync(join(directory, `${name}.service`), `${text}\n`);
        await call.systemctl("daemon-reload");
      };
      try {
        await work(call, generate);
      } finally {
        for (const name of NAMES) {
          await fixture.start("systemctl", [...flags, "stop", `${name}.service`]);
          rmSync(join(directory, `${name}.service`), { force: true });
        }
        await call.systemctl("daemon-reload");
        await fixture.orlop(["rm", "-af"]);
      }
    };

    test("start and stop a container that stays", () =>
      withUnits(async (call, generate) => {
        await call.orlop("create", "--name", "unit-kept", ...PROGRAM);
        await generate("container-unit-kept", "--name", "unit-kept");
        await call.systemctl("start", "container-unit-kept.service");
        await until("its output", async () => (await call.journal("container-unit-kept")).includes("begun"));
        assert.equal(await call.property("container-unit-kept", "ActiveState"), "active");
        assert.equal(await call.orlop("ps", "--format", "{{.Names}}"), "unit-kept");
        await call.systemctl("stop", "container-unit-kept.service");
        assert.equal(await call.orlop("ps", "-q"), "");
        assert.equal(await call.orlop("ps", "-a", "--format", "{{.Names}}"), "unit-kept");
      }));

    test("make a container with each start, whose output is the unit's, and remove it with the end", () =>
      withUnits(async (call, generate) => {
        const first = await call.orlop("create", "--name", "unit-new", ...PROGRAM);
        await generate("container-unit-new", "--new", "--name", "unit-new");
        await call.systemctl("start", "container-unit-new.service");
        await until("its output", async () => (await call.journal("container-unit-new")).includes("begun"));
        assert.equal(await call.property("container-unit-new", "ActiveState"), "active");
        const [id, ...others] = (await call.orlop("ps", "-aq", "--no-trunc")).split("\n");
        assert.deepEqual(others, []);
        assert.notEqual(id, first);
        await call.systemctl("stop", "container-unit-new.service");
        assert.equal(await call.orlop("ps", "-aq"), "");
      }));

    test("start those again that are to run after a start of the machine, and leave them running", () =>
      withUnits(async (call, generate) => {
        await call.orlop("run", "-d", "--name", "unit-always", "--restart", "always", ...PROGRAM);
        await call.orlop("stop", "-t", "0", "unit-always");
        await call.orlop("create", "--name", "unit-never", ...PROGRAM);
        await generate("orlop-restart", "--boot");
        await call.systemctl("start", "orlop-restart.service");
        const running = (): Promise<string> => call.orlop("ps", "--format", "{{.Names}}");
        assert.equal(await running(), "unit-always");
        await call.systemctl("stop", "orlop-restart.service");
        assert.equal(await running(), "unit-always");
      }));
  });
}
