import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findOrdinaryUser } from "./ordinary-user.ts";

const directory = mkdtempSync(join(tmpdir(), "orlop-ordinary-user-"));
after(() => rmSync(directory, { recursive: true }));

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const system = ["root:x:0:0:root:/:/bin/sh", "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"];
const people = [...system, "ada:x:1000:1000::/:/bin/sh", "eve:x:1001:1002::/:/bin/sh"];

describe("the ordinary user of the rootless tests", () => {
  test("is the one who called sudo", () => {
    const env = { SUDO_UID: "1234", SUDO_GID: "5678" };
    assert.deepEqual(findOrdinaryUser(env, file("a", people), file("b", [])), { uid: 1234, gid: 5678 });
  });

  test("is not root although root called sudo", () => {
    const env = { SUDO_UID: "0", SUDO_GID: "0" };
    assert.equal(findOrdinaryUser(env, file("a", people), file("b", [])).uid, 1000);
  });

  test("is a person with subordinate ids before one without", () => {
    assert.deepEqual(findOrdinaryUser({}, file("a", people), file("b", ["eve:100000:65536"])), {
      uid: 1001,
      gid: 1002,
    });
    assert.equal(findOrdinaryUser({}, file("a", people), join(directory, "missing")).uid, 1000);
  });

  test("is nobody on a machine without people", () => {
    assert.equal(findOrdinaryUser({}, file("a", system), file("b", [])).uid, 65534);
  });
});
