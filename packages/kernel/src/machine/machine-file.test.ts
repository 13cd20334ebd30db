import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { hostArchitecture } from "../abi/architecture.ts";
import { machineFile } from "./machine-file.ts";

describe("the machine's file", () => {
  const cache = mkdtempSync(join(tmpdir(), "orlop-machine-file-"));
  const configured = process.env.XDG_CACHE_HOME;
  beforeEach(() => {
    chmodSync(cache, 0o700);
    process.env.XDG_CACHE_HOME = cache;
  });
  after(() => {
    if (configured === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = configured;
    rmSync(cache, { recursive: true });
  });

  test("is written once, and again when it is another than it should be", () => {
    const { path, bytes } = machineFile(hostArchitecture());
    assert.equal(dirname(path), join(cache, "orlop"));
    const written = statSync(path);
    assert.deepEqual([written.size, written.mode & 0o777], [bytes, 0o555]);
    assert.equal(statSync(machineFile(hostArchitecture()).path).ino, written.ino);
    chmodSync(path, 0o755);
    writeFileSync(path, "another machine");
    assert.equal(statSync(machineFile(hostArchitecture()).path).size, bytes);
  });

  test("is not executed from a directory in which others may exchange it", () => {
    chmodSync(cache, 0o777);
    assert.notEqual(dirname(machineFile(hostArchitecture()).path), join(cache, "orlop"));
  });

  test("is not executed from somebody else's directory", { skip: process.getuid?.() === 0 ? "is root" : false }, () => {
    process.env.XDG_CACHE_HOME = "/";
    assert.notEqual(dirname(machineFile(hostArchitecture()).path), "/orlop");
  });
});
