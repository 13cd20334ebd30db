import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codeOfWords, lastLoggedError, ociFailure } from "./oci-failure.ts";

describe("what OCI runtimes say", () => {
  for (const [words, code] of [
    [
      'runc create failed: unable to start container process: exec: "x": executable file not found in $PATH',
      "executable-not-found",
    ],
    ['unable to start container process: exec: "/x": stat /x: no such file or directory', "executable-not-found"],
    [
      'runc create failed: unable to start container process: exec: "/etc/passwd": permission denied',
      "executable-refused",
    ],
    ['unable to start container process: exec: "/": is a directory: unknown', "executable-refused"],
    ["executable file `x` not found in $PATH: No such file or directory", "executable-not-found"],
    ["open executable: Permission denied", "executable-refused"],
    ["open executable: Operation not permitted", "executable-refused"],
    ["container does not exist", "not-found"],
    ["error opening file `/run/crun/x/status`: No such file or directory", "not-found"],
    ["container with given ID already exists", "exists"],
    ["container `x` already exists", "exists"],
    ["container not running", "conflict"],
    ["cannot exec in a stopped container", "conflict"],
    ["process already finished: not found", "conflict"],
    ["kill container: No such process", "conflict"],
    ["cannot pause a container that has been stopped", "conflict"],
    ["open `/data`: No such file or directory", "not-found"],
    ["mount `proc` to `proc`: Operation not permitted", "denied"],
    ['unknown command "events"', "unsupported"],
    ["something else", "failed"],
  ] as const) {
    test(`is ${code}: ${words}`, () => assert.equal(codeOfWords(words), code));
  }

  test("is found in a log of JSON lines, the last error of them, whatever stands between", () => {
    const log = [
      '{"level":"error","msg":"first","time":"t"}',
      "no JSON",
      '{"level":"error","msg":"second\\n","time":"t"}',
      '{"level":"warning","msg":"third"}',
      "null",
      "",
    ].join("\n");
    assert.equal(lastLoggedError(log), "second");
    assert.equal(lastLoggedError(""), undefined);
    assert.equal(lastLoggedError('{"level":"info","msg":"x"}'), undefined);
  });

  test("becomes an error of ours, and nothing at all too", () => {
    const said = ociFailure('start container "x"', "container not running", "it did not say why");
    assert.deepEqual(
      [said.code, said.message, said.operation],
      ["conflict", 'Cannot start container "x": container not running', "start"],
    );
    const silent = ociFailure('start container "x"', undefined, "it did not say why");
    assert.deepEqual([silent.code, silent.message], ["failed", 'Cannot start container "x": it did not say why']);
  });
});
