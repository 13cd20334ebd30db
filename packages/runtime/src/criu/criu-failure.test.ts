import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { criuFailure } from "./criu-failure.ts";

const WHAT = 'checkpoint container "a"';

function failedWith(errno: string): OrlopError {
  return new OrlopError("failed", "Cannot tell criu what to do, and hear what it says", { errno });
}

async function withLog(work: (path: string) => void): Promise<void> {
  await withTemporaryDirectory(async (directory) => work(join(directory, "dump.log")));
}

describe("the error of a call of criu", () => {
  test("has the first error of its log that is one", async () => {
    await withLog((path) => {
      writeFileSync(
        path,
        `(00.1) Warn  (criu/a.c:1): well
(00.2) Error (criu/rlimit.c:1): rlimit: Can't setup RLIMIT_NOFILE for self
(00.3) Error (criu/files-reg.c:1790): Can't lookup mount=27
(00.4) Error (criu/cr-dump.c:2): Dumping FAILED.
`,
      );
      const { code, message } = criuFailure(WHAT, path, failedWith("EREMOTEIO"));
      assert.equal(code, "failed");
      assert.match(message, /^Cannot checkpoint container "a": criu: Can't lookup mount=27\nTry reading ".*dump\.log"/);
    });
  });

  test("tells of an early end where its log has none", async () => {
    await withLog((path) => {
      writeFileSync(path, "(00.1) Warn  (criu/a.c:1): well\n");
      assert.match(criuFailure(WHAT, path, failedWith("ECONNRESET")).message, /: criu ended before it was done\n/);
    });
  });

  test("says that there is no log, and where one may be instead", async () => {
    await withLog((path) => {
      const { message } = criuFailure(WHAT, path, failedWith("EREMOTEIO"));
      assert.match(
        message,
        /^Cannot checkpoint container "a": criu failed, and has written no ".*dump\.log"\n.*"log-file"/,
      );
    });
  });

  test("is the one that it was where criu has neither failed nor written anything", async () => {
    await withLog((path) => {
      for (const errno of ["ENOSPC", "ECONNRESET"]) {
        const error = failedWith(errno);
        assert.equal(criuFailure(WHAT, path, error), error);
      }
    });
  });
});
