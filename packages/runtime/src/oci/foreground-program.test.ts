import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { hostArchitecture, REPORT, reportKind, Zygote } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { compileForeground } from "./foreground-program.ts";

/** `si_code` of siginfo: include/uapi/asm-generic/siginfo.h. */
const CLD = { EXITED: 1, KILLED: 2 } as const;

const UNKNOWN = { text: "nobody knows\n", status: 125 };

/** What a reaper leaves behind. */
function record(how: { readonly code: number; readonly status: number }): Buffer {
  const bytes = Buffer.alloc(REPORT.size);
  const { length, kind, index, value } = REPORT.fields;
  bytes.writeUInt32LE(REPORT.size, length.offset);
  bytes.writeUInt32LE(reportKind("exited"), kind.offset);
  bytes.writeUInt32LE(how.code, index.offset);
  bytes.writeBigInt64LE(BigInt(how.status), value.offset);
  return bytes;
}

/**
 * How a call ends whose process and its reaper have both ended, and been reaped, before it could ask for them, and whose
 * resident process goes without a word.
 */
async function leftAlone(exit: Buffer | undefined): Promise<{ readonly status: number | null; readonly said: string }> {
  return await withTemporaryDirectory(async (directory) => {
    const finishFile = join(directory, "finish");
    writeFileSync(finishFile, "#!/bin/sh\necho finished >&2\nexit 7\n", { mode: 0o755 });
    if (exit !== undefined) writeFileSync(join(directory, "exit"), exit);
    const { pid } = spawnSync("true");
    const stderr = openSync(join(directory, "stderr"), "w");
    const zygote = Zygote.start({ stdio: ["ignore", "ignore", stderr] });
    closeSync(stderr);
    const program = compileForeground({
      architecture: hostArchitecture(),
      pid,
      reaperPid: pid,
      stateDirectory: directory,
      terminal: false,
      unsaid: "",
      finishFile,
      unknown: UNKNOWN,
    });
    await new Promise<void>((resolve) => {
      zygote.become(program, ({ kind }) => {
        if (kind === "started") resolve();
      });
    });
    zygote.close();
    const { status } = await zygote.ended;
    return { status, said: readFileSync(join(directory, "stderr"), "utf8") };
  });
}

suite("a call that nobody tells how its process ended, and that has reaped the reaper already", () => {
  test("ends with the status that the reaper has written down", async () => {
    assert.deepEqual(await leftAlone(record({ code: CLD.EXITED, status: 4 })), { status: 4, said: "finished\n" });
    const killed = await leftAlone(record({ code: CLD.KILLED, status: 9 }));
    assert.deepEqual(killed, { status: 137, said: "finished\n" });
  });

  test("says that it cannot tell, and is finished all the same, where nothing is written down, or not all of it", async () => {
    const unknown = { status: UNKNOWN.status, said: `${UNKNOWN.text}finished\n` };
    assert.deepEqual(await leftAlone(undefined), unknown);
    assert.deepEqual(await leftAlone(record({ code: CLD.EXITED, status: 4 }).subarray(1)), unknown);
  });
});
