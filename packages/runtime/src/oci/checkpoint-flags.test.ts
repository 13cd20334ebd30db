import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { commonOptions } from "../criu/criu-choices.ts";
import { parseArguments } from "./arguments/parse-arguments.ts";
import { CRIU_FLAGS, decodeCriuFlags } from "./checkpoint-flags.ts";

const RUNC_CONFIG_FILE = "/etc/criu/runc.conf";

/** The configuration that CRIU is told to read. */
function configFileOf(
  name: string,
  crunConfigFile: string,
  annotations: Readonly<Record<string, string>> = {},
): unknown {
  const given = parseArguments(CRIU_FLAGS, [], { stopAtPositional: false });
  const choices = decodeCriuFlags({ name, cwd: "/", pid: process.pid }, given, crunConfigFile);
  return commonOptions(choices, annotations, "dump.log").configFile;
}

describe("the configuration of criu", () => {
  test("is runc's, and for callers of crun its own where there is one", async () => {
    await withTemporaryDirectory(async (directory) => {
      const own = join(directory, "crun.conf");
      assert.equal(configFileOf("crun", own), RUNC_CONFIG_FILE);
      writeFileSync(own, "");
      assert.equal(configFileOf("crun", own), own);
      for (const name of ["runc", "orlop-oci"]) assert.equal(configFileOf(name, own), RUNC_CONFIG_FILE);
    });
  });

  test("is the one that the container names, or none, before all others", async () => {
    await withTemporaryDirectory(async (directory) => {
      const own = join(directory, "crun.conf");
      writeFileSync(own, "");
      assert.equal(configFileOf("crun", own, { "org.criu.config": "/mine.conf" }), "/mine.conf");
      assert.equal(configFileOf("crun", own, { "org.criu.config": "" }), undefined);
    });
  });
});
