import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { defaultSpec, type Hooks, type RuntimeSpec } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { ContainerRecord } from "./container-record.ts";
import { KEPT_CONFIG, keepRequest, keptRequest } from "./kept-request.ts";

const RECORD: ContainerRecord = {
  schemaVersion: 1,
  id: "c1",
  ociVersion: "1.0.2",
  bundle: "/bundle",
  annotations: {},
  cgroups: [],
  namespaces: [],
  ownPidNamespace: true,
  detached: false,
  createdAtMs: 0,
  bootId: "boot",
  rootfs: "",
  ownerUid: 0,
  startSteps: [],
};

function specWith(hooks: Hooks): RuntimeSpec {
  return { ...defaultSpec(), hooks };
}

const hook = [{ path: "/usr/bin/hook", args: ["hook", "one"], timeout: 5 }];

suite("what is kept of a request", () => {
  test("is its config, when it has hooks for whoever starts or deletes it", () =>
    withTemporaryDirectory((directory) => {
      for (const kind of ["startContainer", "poststart", "poststop"] as const) {
        const spec = specWith({ [kind]: hook });
        keepRequest(directory, { id: "c1", bundle: "/bundle", spec });
        assert.deepEqual(keptRequest(directory, RECORD), { id: "c1", bundle: "/bundle", spec });
      }
      assert.equal(statSync(join(directory, KEPT_CONFIG)).mode & 0o777, 0o600);
    }));

  test("is nothing when only its maker has hooks to run, or nobody", () =>
    withTemporaryDirectory((directory) => {
      for (const hooks of [{}, { createRuntime: hook, prestart: hook, createContainer: hook }, { poststop: [] }]) {
        keepRequest(directory, { id: "c1", bundle: "/bundle", spec: specWith(hooks) });
        assert.equal(existsSync(join(directory, KEPT_CONFIG)), false);
        assert.equal(keptRequest(directory, RECORD), undefined);
      }
    }));

  test("has every digit of its numbers, and strings that only look like numbers", () =>
    withTemporaryDirectory((directory) => {
      const { process } = defaultSpec();
      assert(process !== undefined);
      const limits = [{ type: "RLIMIT_NOFILE", soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n }] as const;
      const env = ["A=18446744073709551615", "B=@18446744073709551615", 'C="1"'];
      const spec = { ...specWith({ poststop: hook }), process: { ...process, env, rlimits: limits } };
      keepRequest(directory, { id: "c1", bundle: "/bundle", spec });
      assert.deepEqual(keptRequest(directory, RECORD)?.spec.process, spec.process);
    }));
});
