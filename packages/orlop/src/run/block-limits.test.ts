import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import { type BlockLimits, readBlockLimits } from "./block-limits.ts";
import { RUN_FLAGS } from "./run-flags.ts";

const read = (...args: readonly string[]): BlockLimits => readBlockLimits(parseFlags(RUN_FLAGS, args));

describe("limits of block devices", () => {
  test("are none unless they are asked for", () => {
    assert.deepEqual(read("--blkio-weight=0"), { limits: {}, paths: {} });
    assert.deepEqual(read("--blkio-weight=1000").limits, { weight: 1000 });
  });

  test("are by the numbers of a device, and its path is kept", (t) => {
    const name = readdirSync("/dev").find((each) => /^(vda|sda|nvme0n1|loop0)$/.test(each));
    if (name === undefined) return t.skip("this machine shows no block device");
    const path = `/dev/${name}`;
    const { limits, paths } = read(
      ...[
        "--blkio-weight-device",
        `${path}:300`,
        "--device-read-bps",
        `${path}:1mb`,
        "--device-write-bps",
        `${path}:5`,
      ],
      ...["--device-read-iops", `${path}:10`, "--device-write-iops", `${path}:20`],
    );
    const [[number, kept] = []] = Object.entries(paths);
    const [major, minor] = (number ?? "").split(":").map(Number);
    assert.equal(kept, path);
    assert.deepEqual(limits, {
      weightDevice: [{ major, minor, weight: 300 }],
      throttleReadBpsDevice: [{ major, minor, rate: 1024 * 1024 }],
      throttleWriteBpsDevice: [{ major, minor, rate: 5 }],
      throttleReadIOPSDevice: [{ major, minor, rate: 10 }],
      throttleWriteIOPSDevice: [{ major, minor, rate: 20 }],
    });
  });

  const refused: readonly [flag: string, message: RegExp][] = [
    ["--blkio-weight=5", /: Range of blkio weight is from 10 to 1000$/],
    ["--blkio-weight=x", /: Range of blkio weight is from 10 to 1000$/],
    ["--blkio-weight-device=/dev/vda", /: bad format: \/dev\/vda$/],
    ["--blkio-weight-device=vda:50", /: bad format for device path: vda:50$/],
    ["--blkio-weight-device=/dev/vda:5", /: invalid weight for device: \/dev\/vda:5$/],
    ["--device-read-bps=/dev/vda:0", /: invalid rate for device: .* Unit is optional and can be kb, mb, or gb$/],
    ["--device-read-bps=/dev/vda:-1", /: invalid rate for device: .* Unit is optional and can be kb, mb, or gb$/],
    ["--device-read-iops=/dev/vda:1k", /: invalid rate for device: .*<number>\. Number must be a positive integer$/],
    ["--device-write-iops=/dev/null:1", /^Cannot limit device "\/dev\/null": it is no block device$/],
    ["--device-write-iops=/dev/no-such:1", /^Cannot limit device "\/dev\/no-such": no such file or directory$/],
  ];
  for (const [flag, message] of refused)
    test(`are refused: ${flag}`, () => assert.throws(() => read(flag), { message }));
});
