import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyChanges, type ChangedConfig } from "./apply-changes.ts";

const base: ChangedConfig = { Cmd: ["old"], Entrypoint: ["entry"], Env: ["A=1", "B=two words"], WorkingDir: "/w" };

describe("instructions of a Dockerfile", () => {
  const cases: readonly (readonly [changes: readonly string[], set: ChangedConfig])[] = [
    [['CMD ["a", "b c"]'], { Cmd: ["a", "b c"] }],
    [["cmd echo $A"], { Cmd: ["/bin/sh", "-c", "echo $A"] }],
    [["CMD [a]"], { Cmd: ["/bin/sh", "-c", "[a]"] }],
    [['CMD ["a"]', 'ENTRYPOINT ["e"]'], { Cmd: ["a"], Entrypoint: ["e"] }],
    [
      ["ENV A=2 C=$A D='$A' E=\"x $B\" F=a\\ b"],
      { Env: ["A=2", "B=two words", "C=1", "D=$A", "E=x two words", "F=a b"] },
    ],
    [["ENV C  all of  it $A"], { Env: ["A=1", "B=two words", "C=all of  it 1"] }],
    [
      [`ENV C=\${X:-none} D=\${A:+some} E=\${A} F=\\$A G=5$`],
      { Env: [...(base.Env ?? []), "C=none", "D=some", "E=1", "F=$A", "G=5$"] },
    ],
    [["ENV C=1", "ENV D=$C"], { Env: [...(base.Env ?? []), "C=1", "D=1"] }],
    [["EXPOSE 80 53/UDP 90-91"], { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "90/tcp": {}, "91/tcp": {} } }],
    [['LABEL a=1 b="two words"', "LABEL a=3"], { Labels: { a: "3", b: "two words" } }],
    [["ONBUILD RUN true"], { OnBuild: ["RUN true"] }],
    [["STOPSIGNAL SIGINT"], { StopSignal: "SIGINT" }],
    [["USER $A:you"], { User: "1:you" }],
    [['VOLUME ["/a b"]', "VOLUME /c /d"], { Volumes: { "/a b": {}, "/c": {}, "/d": {} } }],
    [["WORKDIR sub", "WORKDIR ../x"], { WorkingDir: "/w/x" }],
  ];
  for (const [changes, set] of cases) {
    test(`change a config: ${changes.join("; ")}`, () => {
      assert.deepEqual(applyChanges(base, changes), { ...base, ...set });
    });
  }

  test("take the command away with another entry point, unless they set one themselves", () => {
    const { Cmd: _, ...rest } = base;
    assert.deepEqual(applyChanges(base, ['ENTRYPOINT ["e"]']), { ...rest, Entrypoint: ["e"] });
  });

  const refused: readonly (readonly [change: string, code: string, message: RegExp])[] = [
    ["RUN true", "unsupported", /Cannot use change "RUN true": there are CMD, ENTRYPOINT, ENV, /],
    ["HEALTHCHECK --interval=never CMD true", "invalid", /it is a duration/],
    ["HEALTHCHECK --shape=round CMD true", "invalid", /unknown flag: --shape/],
    ["HEALTHCHECK true", "invalid", /it is NONE, or CMD and a command/],
    ["", "unsupported", /Cannot use change ""/],
    ["USER", "invalid", /USER sets nothing/],
    ["ENV A", "invalid", /it has no value/],
    ["ENV A=1 B", "invalid", /"B" is not NAME=VALUE/],
    ["ENV A='1", "invalid", /a ' has no end/],
    ['LABEL A="1', "invalid", /a " has no end/],
    [`USER \${A`, "invalid", /a { has no end/],
    [`USER \${A!}`, "invalid", /\$\{A!\} is no variable/],
    ["EXPOSE http", "invalid", /EXPOSE http.*PORT/],
    ["EXPOSE 0", "invalid", /PORT/],
    ["EXPOSE 9-8", "invalid", /PORT/],
    ["EXPOSE 70000", "invalid", /PORT/],
    ["ONBUILD FROM x", "invalid", /FROM is no trigger/],
  ];
  for (const [change, code, message] of refused) {
    test(`are refused: ${change}`, () => {
      assert.throws(() => applyChanges(base, [change]), { name: "OrlopError", code, message });
    });
  }
});
