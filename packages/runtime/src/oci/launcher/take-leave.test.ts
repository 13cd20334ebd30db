import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Program, type Report, verifyProgram, Zygote, type ZygoteEnd } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { Hands } from "../hands.ts";
import { compileFarewell, FAREWELL_TEXT_MAX_BYTES } from "./farewell-program.ts";
import { sayNow } from "./say-now.ts";
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

/** The writing end of a pipe whose reader has gone. */
function unreadFifo(path: string): number {
  execFileSync("mkfifo", [path]);
  const both = openSync(path, "r+");
  const writer = openSync(path, "w");
  closeSync(both);
  return writer;
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

  test("is that of its status where there is nothing to say", async () => {
    for (const status of [0, 77, 0, 255, 77]) {
      const { hands, ended } = handsWith(1, 2);
      takeLeave(hands, { stdout: "", stderr: "" }, status);
      assert.deepEqual(await ended, { status, signal: null });
    }
  });

  test("does not depend on anybody reading", async () => {
    await withTemporaryDirectory(async (directory) => {
      const writer = unreadFifo(join(directory, "fifo"));
      const { hands, ended } = handsWith(writer, writer);
      takeLeave(hands, { stdout: "unheard\n", stderr: "as well\n" }, 3);
      assert.deepEqual(await ended, { status: 3, signal: null });
      closeSync(writer);
    });
  });

  test("comes after what was said in between, as long as somebody heard that", async () => {
    await withTemporaryDirectory(async (directory) => {
      const [out, fifo] = [join(directory, "out"), join(directory, "fifo")];
      const file = openSync(out, "w");
      const { hands, ended } = handsWith(file, file);
      const long = "ä€😀".repeat(FAREWELL_TEXT_MAX_BYTES / 8);
      assert.deepEqual([await sayNow(hands, long), await sayNow(hands, "more\n")], [true, true]);
      takeLeave(hands, { stdout: "last\n", stderr: "" }, 0);
      assert.deepEqual(await ended, { status: 0, signal: null });
      assert.equal(await sayNow(hands, "too late"), false);
      closeSync(file);
      assert.equal(readFileSync(out, "utf8"), `${long}more\nlast\n`);
      const writer = unreadFifo(fifo);
      const unheard = handsWith(writer, writer);
      assert.equal(await sayNow(unheard.hands, "unheard\n"), false);
      unheard.hands.close();
      await unheard.ended;
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
