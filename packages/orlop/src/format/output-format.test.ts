import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { alignColumns } from "./align-columns.ts";
import { goTime, rfc3339Time } from "./go-time.ts";
import { humanDuration } from "./human-duration.ts";
import { humanSize } from "./human-size.ts";
import { OutputFormat } from "./output-format.ts";
import { rowMaker, structOf } from "./template/value.ts";

const ROWS = [
  structOf({ Repository: "busybox", Tag: "latest", ID: "0123456789ab" }),
  structOf({ Repository: "registry.example/some/app", Tag: "1", ID: "ba9876543210" }),
];
const HEADINGS = { Repository: "REPOSITORY", Tag: "TAG", ID: "IMAGE ID" };
const TABLE = "{{.Repository}}\t{{.Tag}}\t{{.ID}}";

const print = (format: string, rows = ROWS): string => new OutputFormat(format, TABLE).text(rows, HEADINGS);

describe("a list is printed", () => {
  test("as a table", () => {
    assert.equal(
      print("table"),
      [
        "REPOSITORY                  TAG       IMAGE ID",
        "busybox                     latest    0123456789ab",
        "registry.example/some/app   1         ba9876543210",
        "",
      ].join("\n"),
    );
    assert.equal(print("table", []), "REPOSITORY   TAG       IMAGE ID\n");
  });

  test("as a table of a template, with its headings", () => {
    const format = "table {{.ID}}\\t{{upper .Tag}}\\t{{pad .Repository 2 0}}";
    assert.equal(
      print(format, ROWS.slice(0, 1)),
      "IMAGE ID       TAG       " + "  REPOSITORY\n0123456789ab   LATEST      busybox\n",
    );
    const changed = '{{json .ID}}\\t{{truncate .Repository 3}}\\t{{split .Tag "t"}}\\t{{join (split .Tag "t") "-"}}';
    assert.match(
      print(`table ${changed}`),
      /^IMAGE ID +REPOSITORY +TAG +TAG\n"0123456789ab" +bus +\[la es \] +la-es-\n/,
    );
  });

  test("as JSON, an object on a line", () => {
    assert.equal(print("json", ROWS.slice(0, 1)), '{"ID":"0123456789ab","Repository":"busybox","Tag":"latest"}\n');
    assert.equal(print("json", []), "");
  });

  test("by a template, with a line for each", () => {
    assert.equal(print("{{.ID}}"), "0123456789ab\nba9876543210\n");
    assert.equal(print(" {{.ID}}\\t{{.Tag}}\\n "), "0123456789ab\tlatest\n\nba9876543210\t1\n\n");
    assert.equal(print("{{.ID}}", []), "");
  });

  test("with what it shows of each row, and no more than that is worked out", () => {
    const asked: string[] = [];
    const makeRow = rowMaker<string>({
      Repository: (name) => `${name}\u001b[2J`,
      Tag: () => asked.push("Tag"),
      ID: (name) => name.toUpperCase(),
    });
    const row = makeRow("box", { Label: (name) => `${name}\n` });
    assert.equal(print("table {{.ID}} {{.Repository}}", [row]), "IMAGE ID REPOSITORY\nBOX box\\x1b[2J\n");
    assert.equal(print('table {{.Label "a"}}', [row]), "a\na\\n\n");
    assert.deepEqual(asked, []);
    assert.equal(print("json", [row]), '{"ID":"BOX","Repository":"box\\u001b[2J","Tag":1}\n');
    assert.throws(() => print("table {{.Nope}}", [row]), { code: "invalid", message: /there are ID, Repository, Tag/ });
  });

  test("not with fields that it does not have", () => {
    for (const format of ["{{.Nope}}", "table {{.Nope}}"]) {
      assert.throws(() => print(format), {
        code: "invalid",
        message: /can't evaluate field Nope, there are ID, Repository, Tag$/,
      });
    }
  });
});

describe("columns", () => {
  const cases: readonly [what: string, text: string, aligned: string][] = [
    ["are ten characters wide at least", "a\tb\tc\n", "a         b         c\n"],
    ["are three wider than what is in them", "0123456789\tb\n", "0123456789   b\n"],
    ["count characters, not bytes", "éééééééééé\tb\n", "éééééééééé   b\n"],
    ["end where a line does not have them", "aaaaaaaaaaaa\tb\nc\nd\te\n", "aaaaaaaaaaaa   b\nc\nd         e\n"],
    ["keep room for what is empty", "a\t\tb\n\t\tc\n", "a                   b\n                    c\n"],
    [
      "are as wide as their block",
      "a\tbbbbbbbbbbbbbb\tc\nd\te\nf\tg\th\n",
      "a         bbbbbbbbbbbbbb   c\nd         e\nf         g         h\n",
    ],
    ["end with what stands behind them", "a\tb\n", "a         b\n"],
    ["may be none", "abc\n\ndef", "abc\n\ndef"],
  ];
  for (const [what, text, aligned] of cases) test(what, () => assert.equal(alignColumns(text), aligned));
});

test("sizes have up to four digits, or three, and units of a thousand", () => {
  const cases: readonly [bytes: number, four: string, three: string][] = [
    [0, "0B", "0B"],
    [999, "999B", "999B"],
    [1000, "1kB", "1kB"],
    [1234, "1.234kB", "1.23kB"],
    [4_262_134, "4.262MB", "4.26MB"],
    [999_999, "1000kB", "1e+03kB"],
    [123_456_789, "123.5MB", "123MB"],
    [1_000_000_000_000, "1TB", "1TB"],
  ];
  for (const [bytes, four, three] of cases) assert.deepEqual([humanSize(bytes), humanSize(bytes, 3)], [four, three]);
});

test("durations are told about as people would", () => {
  const cases: readonly [seconds: number, text: string][] = [
    [-5, "Less than a second"],
    [0.9, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [179, "2 minutes"],
    [3599, "59 minutes"],
    [3600, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [48 * 3600, "2 days"],
    [13 * 86_400, "13 days"],
    [14 * 86_400, "2 weeks"],
    [60 * 86_400, "2 months"],
    [729 * 86_400, "24 months"],
    [730 * 86_400, "2 years"],
  ];
  for (const [seconds, text] of cases) assert.equal(humanDuration(seconds * 1000), text);
});

describe("a time is printed as Go prints it", () => {
  const cases: readonly [zone: string, text: string, rfc3339: string][] = [
    ["UTC", "2026-01-02 03:04:05 +0000 UTC", "2026-01-02T03:04:05Z"],
    ["America/New_York", "2026-01-01 22:04:05 -0500 EST", "2026-01-01T22:04:05-05:00"],
    ["Asia/Kathmandu", "2026-01-02 08:49:05 +0545 +0545", "2026-01-02T08:49:05+05:45"],
    ["America/Sao_Paulo", "2026-01-02 00:04:05 -0300 -03", "2026-01-02T00:04:05-03:00"],
  ];
  for (const [zone, text, rfc3339] of cases) {
    test(zone, () => {
      const usual = process.env.TZ;
      process.env.TZ = zone;
      try {
        const timeMs = Date.UTC(2026, 0, 2, 3, 4, 5);
        assert.deepEqual([goTime(timeMs), rfc3339Time(timeMs)], [text, rfc3339]);
      } finally {
        if (usual === undefined) delete process.env.TZ;
        else process.env.TZ = usual;
      }
    });
  }
});
