import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatPlatform, parsePlatform, platformRank } from "./platform.ts";

describe("parsePlatform", () => {
  const cases: readonly [text: string, platform: string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["Linux/x86_64", "linux/amd64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/v8.0", "linux/arm64"],
    ["linux/arm64/8.2", "linux/arm64/v8.2"],
    ["linux/arm64/v9", "linux/arm64/v9"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm", "linux/arm"],
    ["linux/arm/7", "linux/arm"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/armel", "linux/arm/v6"],
    ["armhf", "linux/arm"],
    ["linux/i686", "linux/386"],
    ["riscv64", "linux/riscv64"],
    ["macos/arm64", "darwin/arm64"],
    ["linux/mips64le/softfloat", "linux/mips64le/softfloat"],
    ["windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"],
    ["windows(10.0.17763+win32k)/amd64", "windows(10.0.17763+win32k)/amd64"],
    ["linux(+gpu+sse4)/amd64", "linux(+gpu+sse4)/amd64"],
  ];
  for (const [text, platform] of cases) {
    test(`reads ${text} as ${platform}, which it reads again`, () => {
      const found = parsePlatform(text);
      assert.equal(formatPlatform(found), platform);
      assert.deepEqual(parsePlatform(formatPlatform(found)), found);
    });
  }

  for (const text of [
    "",
    "/",
    "linux",
    "linux/",
    "/amd64",
    "linux/amd64/v2/x",
    "linux/am d64",
    "li(nux/amd64",
    "a//b",
  ]) {
    test(`refuses "${text}"`, () =>
      assert.throws(() => parsePlatform(text), { code: "invalid", message: /^Cannot use platform/ }));
  }
});

describe("platformRank", () => {
  /** What an index offers, in the order in which the platform prefers them, and what it never takes. */
  const cases: readonly [wanted: string, suiting: readonly string[], others: readonly string[]][] = [
    [
      "linux/amd64",
      ["linux/amd64", "linux/386"],
      ["linux/amd64/v2", "linux/arm64", "windows/amd64", "unknown/unknown"],
    ],
    ["linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64/v1", "linux/386"], ["linux/amd64/v4"]],
    ["linux/amd64/v4", ["linux/amd64/v4", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"], []],
    ["linux/386", ["linux/386"], ["linux/amd64"]],
    ["linux/arm/v7", ["linux/arm", "linux/arm/v6", "linux/arm/v5"], ["linux/arm/v8", "linux/arm64"]],
    ["linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"], ["linux/arm/v8"]],
    ["linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"], ["linux/arm/v7", "linux/arm"]],
    [
      "linux/arm64",
      ["linux/arm64/v8", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
      ["linux/arm64/v8.1", "linux/arm64/v9", "linux/amd64"],
    ],
    ["linux/arm64/v8.2", ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v8"], ["linux/arm64/v8.3"]],
    [
      "linux/arm64/v9.1",
      ["linux/arm64/v9.1", "linux/arm64/v9", "linux/arm64/v8.6", "linux/arm64/v8.5", "linux/arm64", "linux/arm/v7"],
      ["linux/arm64/v9.2", "linux/arm64/v8.7"],
    ],
    ["linux/riscv64", ["linux/riscv64"], ["linux/riscv64/v2", "linux/amd64"]],
    ["linux/ppc64le", ["linux/ppc64le"], ["linux/ppc64"]],
    [
      "windows(10.0.17763.1)/amd64",
      ["windows(10.0.17763.9)/amd64"],
      ["windows(10.0.20348.1)/amd64", "windows(10.0.17763.9+win32k)/amd64"],
    ],
    ["linux(6.12+gpu)/amd64", ["linux(+gpu)/amd64"], ["linux(+gpu+npu)/amd64", "linux(5.10)/amd64"]],
  ];
  for (const [wanted, suiting, others] of cases) {
    test(`for ${wanted} prefers ${suiting.join(", ")} in this order`, () => {
      const rank = (offered: string): number | undefined => platformRank(parsePlatform(offered), parsePlatform(wanted));
      const ranks = suiting.map((offered) => rank(offered) ?? assert.fail(`${offered} does not suit`));
      assert.equal(ranks[0], 0);
      assert.ok(
        ranks.every((each, index) => index === 0 || each > (ranks[index - 1] ?? 0)),
        ranks.join(),
      );
      for (const offered of others) assert.equal(rank(offered), undefined, offered);
    });
  }

  test("takes platforms as indexes write them", () => {
    const wanted = { os: "linux", architecture: "arm64" };
    assert.equal(platformRank({ os: "linux", architecture: "arm64", variant: "v8" }, wanted), 0);
    assert.equal(platformRank({ os: "linux", architecture: "aarch64", variant: "" }, wanted), 0);
    assert.equal(platformRank({ ...wanted, "os.features": [] }, wanted), 0);
    assert.equal(platformRank(wanted, { ...wanted, variant: "v8" }), 0);
  });
});
