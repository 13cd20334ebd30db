import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Program, type Report, verifyProgram, Zygote, type ZygoteEnd } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { Hands } from "../hands.ts";
import { compileFarewell, FAREWELL_TEXT_MAX_BYTES } from "./farewell-program.ts";
import { takeLeave } from "./take-leave.ts";

/** A zygote with these as its standard descriptors, in the place of a launcher. */
function handsWith(stdout: number, stderr: number): { readonly hands: Hands; readonly ended: Promise<ZygoteEnd> } {
  const zygote = Zygote.start({ stdio: ["ignore", stdout, stderr] });
  const hands: Hands = {
    get alive() {
      return zygote.alive;
    },
    submit: (program: Program, onReport: (report: Report) => void) => zygote.submit(program, onReport),
    become: (program: Program, onReport: (report: Report) => void) => zygote.become(program, onReport),
    release: () => {},
    descriptor: (fd) => fd,
    close: () => zygote.close(),
  };
  return { hands, ended: zygote.ended };
}

describe("the end of a call", () => {
  test("says everything, however long, and ends with its status", async () => {
    await withTemporaryDirectory(async (directory) => {
      const paths = ["out", "err"].map((name) => join(directory, name));
      const [out = 0, err = 0] = paths.map((path) => openSync(path, "w"));
      const { hands, ended } = handsWith(out, err);
      // Characters of several bytes, whatever part they fall into.
      const stdout = "ä€😀".repeat(FAREWELL_TEXT_MAX_BYTES / 4);
      const stderr = "é".repeat(5_000);
      takeLeave(hands, { stdout, stderr }, 77);
      assert.deepEqual(await ended, { status: 77, signal: null });
      for (const descriptor of [out, err]) closeSync(descriptor);
      assert.deepEqual(
        paths.map((path) => readFileSync(path, "utf8")),
        [stdout, stderr],
      );
    });
  });

  test("does not depend on anybody reading", async () => {
    await withTemporaryDirectory(async (directory) => {
      const fifo = join(directory, "fifo");
      execFileSync("mkfifo", [fifo]);
      const both = openSync(fifo, "r+");
      const writer = openSync(fifo, "w");
      closeSync(both);
      const { hands, ended } = handsWith(writer, writer);
      takeLeave(hands, { stdout: "unheard\n", stderr: "as well\n" }, 3);
      assert.deepEqual(await ended, { status: 3, signal: null });
      closeSync(writer);
    });
  });

  test("fits into a program at its longest", () => {
    const longest = Buffer.alloc(FAREWELL_TEXT_MAX_BYTES, "x");
    for (const architecture of ["x86_64", "aarch64"] as const) {
      verifyProgram(compileFarewell(architecture, { stdout: longest, stderr: longest, status: 255 }));
    }
  });
});
