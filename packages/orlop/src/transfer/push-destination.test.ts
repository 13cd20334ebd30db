import assert from "node:assert/strict";
import { test } from "node:test";
import { pushDestination } from "./push-destination.ts";

test("images are pushed to names in registries alone, with and without docker's scheme", () => {
  assert.equal(pushDestination("registry.example/app:1"), "registry.example/app:1");
  assert.equal(pushDestination("docker://registry.example/app:1"), "registry.example/app:1");
  for (const archive of ["docker-archive:x.tar", "oci-archive:/tmp/x.tar:1"]) {
    assert.throws(() => pushDestination(archive), {
      code: "unsupported",
      message: new RegExp(`^Cannot push to "${archive}": it is in no registry\nTry orlop save -o FILE`),
    });
  }
  for (const other of ["oci:/tmp/layout", "dir:/tmp/x", "host", "debian:bookworm?packages=a"]) {
    assert.throws(() => pushDestination(other), {
      message: /: it is in no registry\nTry orlop push IMAGE DESTINATION/,
    });
  }
});
