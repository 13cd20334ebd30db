import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { errnoNumber, ProgramBuilder, SourceMap } from "@orlop/kernel";
import { programFailure, stepFailure } from "./program-failure.ts";

function program(): SourceMap {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: 'mount proc at "/proc"', field: "mounts[0]" });
  p.call("setsid", []);
  p.call("setsid", []);
  p.step({ action: "prepare init" });
  p.call("exit_group", [0]);
  return new SourceMap(p.build());
}

suite("the failure of an instruction", () => {
  test("is told in the words of its step, with the field and the errno", () => {
    const error = programFailure(program(), 1, errnoNumber("EPERM"));
    assert.equal(error.message, 'Cannot mount proc at "/proc": operation not permitted (mounts[0])');
    const { code, operation, errno, field } = error;
    assert.deepEqual(
      { code, operation, errno, field },
      { code: "denied", operation: 'mount proc at "/proc"', errno: "EPERM", field: "mounts[0]" },
    );
  });

  test("names no field where none asked for it", () => {
    const error = programFailure(program(), 2, errnoNumber("ENOMEM"));
    assert.equal(error.message, "Cannot prepare init: cannot allocate memory");
    assert.deepEqual([error.code, error.field], ["exhausted", undefined]);
  });

  test("of an instruction that is not there is told all the same", () => {
    const error = programFailure(program(), 99, errnoNumber("EIO"));
    assert.equal(error.message, "Cannot execute instruction 99: input/output error");
    assert.equal(error.code, "failed");
  });

  test("has a code by its errno", () => {
    for (const [errno, code] of [
      ["EACCES", "denied"],
      ["EROFS", "denied"],
      ["ENOENT", "not-found"],
      ["ENOTDIR", "invalid"],
      ["EISDIR", "invalid"],
      ["ELOOP", "invalid"],
      ["EEXIST", "exists"],
      ["EBUSY", "conflict"],
      ["ENOSYS", "unsupported"],
      ["ENODEV", "unsupported"],
      ["ENOSPC", "exhausted"],
      ["EAGAIN", "exhausted"],
      ["EPIPE", "failed"],
    ] as const) {
      assert.equal(stepFailure({ action: "do it" }, errnoNumber(errno)).code, code, errno);
    }
  });

  test("to execute tells a missing program from one that may not be executed", () => {
    const execute = { action: 'execute "sh"', field: "process.args[0]" };
    const missing = stepFailure(execute, errnoNumber("ENOENT"));
    assert.equal(missing.code, "executable-not-found");
    assert.match(missing.message, /^Cannot execute "sh": executable file not found: no such file or directory \(/);
    for (const errno of ["EACCES", "ENOEXEC", "E2BIG", "ELOOP"]) {
      assert.equal(stepFailure(execute, errnoNumber(errno)).code, "executable-refused", errno);
    }
  });
});
