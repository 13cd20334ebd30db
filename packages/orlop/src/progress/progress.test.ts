import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Digest } from "@orlop/core";
import type { PartRole, PartState, TransferEvent } from "@orlop/image";
import { LineProgress } from "./line-progress.ts";
import { ManualClock, Screen } from "./screen-fixture.ts";
import { TerminalProgress } from "./terminal-progress.ts";

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64).slice(0, 64)}`;
const NAME = "docker.io/library/busybox:latest";
const target = { mediaType: "application/json", digest: digestOf("f"), size: 500 };
const image: TransferEvent = { kind: "image", name: NAME, target };

function part(
  digit: string,
  state: PartState,
  bytes: number,
  size = 20_000_000,
  role: PartRole = "layer",
): TransferEvent {
  const descriptor = { mediaType: "application/octet-stream", digest: digestOf(digit), size };
  return { kind: "part", role, descriptor, state, bytes };
}

interface Stage {
  readonly screen: Screen;
  readonly clock: ManualClock;
  readonly progress: TerminalProgress;
  /** Takes the events and lets one redraw pass. */
  show(...events: readonly TransferEvent[]): readonly string[];
}

function stage(columns = 90, rows = 10): Stage {
  const screen = new Screen(columns, rows);
  const clock = new ManualClock();
  const progress = new TerminalProgress(screen, clock, "downloading");
  const show = (...events: readonly TransferEvent[]): readonly string[] => {
    for (const event of events) progress.onEvent(event);
    clock.tick();
    return screen.seen;
  };
  return { screen, clock, progress, show };
}

describe("progress on a terminal", () => {
  test("shows each part in its place, from waiting to done", () => {
    const { clock, show } = stage();
    assert.deepEqual(show(), []);
    assert.deepEqual(show({ kind: "resolving", source: NAME }), [`${NAME}: resolving`]);
    assert.deepEqual(show(image, part("a", "waiting", 0), part("b", "waiting", 0)), [
      `${NAME}: 0 of 2 done, 0B of 40MB`,
      "  aaaaaaaaaaaa  layer     waiting",
      "  bbbbbbbbbbbb  layer     waiting",
    ]);
    show(part("b", "downloading", 0));
    for (let step = 1; step <= 10; step++) show(part("b", "downloading", step * 1_000_000));
    assert.deepEqual(show(part("a", "exists", 20_000_000)).slice(1), [
      "  aaaaaaaaaaaa  layer     already there",
      "  bbbbbbbbbbbb  layer     downloading  [============>           ]  10MB/20MB  9.09MB/s",
    ]);
    clock.tick(40);
    assert.match(show()[2] ?? "", / 10MB\/20MB {2}0B\/s$/, "the speed falls when nothing comes");
    assert.match(show(part("b", "verifying", 20_000_000))[2] ?? "", /layer {5}verifying$/);
    assert.match(show(part("b", "unpacking", 20_000_000))[2] ?? "", /layer {5}unpacking$/);
    assert.deepEqual(show(part("b", "done", 20_000_000), { kind: "named", name: NAME, target }), [
      `${NAME}: done`,
      "  aaaaaaaaaaaa  layer     already there",
      "  bbbbbbbbbbbb  layer     done         20MB",
    ]);
  });

  test("does not count what was there already into the speed", () => {
    const { show } = stage();
    show(image, part("a", "downloading", 15_000_000));
    assert.match(show(part("a", "downloading", 15_100_000))[1] ?? "", / 1MB\/s$/);
  });

  test("leaves what stood there before, and stands above what comes after", () => {
    const { screen, progress, show } = stage();
    screen.write("$ orlop pull busybox\n");
    show(image, part("a", "downloading", 0));
    show(part("a", "done", 20_000_000));
    progress[Symbol.dispose]();
    screen.write("done\n");
    assert.deepEqual(screen.seen, [
      "$ orlop pull busybox",
      NAME,
      "  aaaaaaaaaaaa  layer     done         20MB",
      "done",
    ]);
  });

  test("draws at most once in a tenth of a second, and only what has changed", () => {
    const { screen, clock, progress } = stage();
    progress.onEvent(image);
    for (let bytes = 0; bytes < 10_000; bytes++) progress.onEvent(part("a", "downloading", bytes));
    assert.equal(screen.writes, 0);
    clock.tick();
    assert.equal(screen.writes, 1);
    progress.onEvent(part("a", "verifying", 10_000));
    clock.tick(10);
    assert.equal(screen.writes, 2);
  });

  test("waits for a terminal that is slower than the transfer", () => {
    const { screen, show } = stage();
    screen.writableNeedDrain = true;
    assert.deepEqual(show(image), []);
    screen.writableNeedDrain = false;
    assert.deepEqual(show(), [NAME]);
  });

  test("between two redraws the cursor is below all of it, at the beginning of a line", () => {
    const { screen, show } = stage();
    show(image, part("a", "downloading", 0));
    assert.deepEqual(screen.cursor, { row: 2, column: 0 });
    show(part("b", "waiting", 0));
    assert.deepEqual(screen.cursor, { row: 3, column: 0 });
  });

  test("of more parts than there are rows shows those that something happens to", () => {
    const { screen, progress, show } = stage(90, 7);
    screen.write("before\n");
    const parts = [..."0123456789"];
    show(image, ...parts.map((digit) => part(digit, "waiting", 0)));
    show(...parts.slice(0, 4).map((digit) => part(digit, "done", 20_000_000)));
    const seen = show(part("8", "unpacking", 20_000_000), part("9", "verifying", 20_000_000));
    assert.deepEqual(seen, [
      `${NAME}: 4 of 10 done, 120MB of 200MB`,
      "  444444444444  layer     waiting",
      "  555555555555  layer     waiting",
      "  888888888888  layer     unpacking",
      "  999999999999  layer     verifying",
      "  and 6 more",
    ]);
    assert.equal(screen.all[0], "before");
    progress[Symbol.dispose]();
    // At its end all of them, of which the first have scrolled away.
    assert.equal(screen.all.filter((line) => / layer /.test(line)).length, parts.length);
    assert.equal(screen.all[0], "before");
  });

  test("shows at least what is going on in a window of two rows", () => {
    const { show } = stage(90, 2);
    assert.deepEqual(show(image, part("a", "waiting", 0)), [`${NAME}: 0 of 1 done, 0B of 20MB`]);
  });

  test("keeps each part on one line, however narrow the window", () => {
    for (const columns of [10, 40, 60, 79, 80, 200]) {
      const { screen, show } = stage(columns, 10);
      show(image, part("a", "downloading", 1_234_567), part("b", "waiting", 0));
      show(part("a", "downloading", 2_234_567));
      assert.equal(screen.seen.length, 3, `${columns} columns`);
      for (const line of screen.seen) assert.ok(line.length < columns);
    }
    assert.match(stage(60).show(image, part("a", "downloading", 1_234_567))[1] ?? "", /downloading {2}1.23MB\/20MB$/);
  });

  test("follows a window that is resized", () => {
    const { screen, show } = stage(90, 10);
    screen.write("before\n");
    show(image, part("a", "downloading", 0), part("b", "downloading", 0));
    screen.resize(40, 10);
    show(part("a", "downloading", 5_000_000), part("b", "downloading", 5_000_000));
    assert.deepEqual(
      screen.seen,
      [
        "before",
        `${NAME}: 0 of `,
        "  aaaaaaaaaaaa  layer     downloading  ",
        "  bbbbbbbbbbbb  layer     downloading  ",
      ].map((line) => line.trimEnd()),
    );
    screen.resize(90, 10);
    show(part("a", "downloading", 6_000_000));
    assert.equal(screen.seen.length, 4);
    assert.match(screen.seen[2] ?? "", /\[=+> +\] {2}6MB\/20MB/);
  });

  test("does not let names command the terminal", () => {
    const { show } = stage();
    assert.deepEqual(show({ kind: "resolving", source: "oci:\x1b[2J\x9b31m\u202eevil\n" }), [
      "oci:?[2J?31m?evil?: resolving",
    ]);
  });

  test("counts wide characters as wide", () => {
    const { show } = stage(20);
    assert.deepEqual(show({ kind: "resolving", source: "oci:容器映像容器映像" }), ["oci:容器映像容器映"]);
  });

  test("stops when it is disposed of, and is silent where there was nothing", () => {
    const { screen, clock, progress } = stage();
    progress[Symbol.dispose]();
    assert.deepEqual([clock.isTicking, screen.writes], [false, 0]);
  });
});

test("progress in a pipe is a line for each step of each part, once", () => {
  const lines: string[] = [];
  const progress = new LineProgress((text) => lines.push(text), "uploading");
  const events: readonly TransferEvent[] = [
    { kind: "resolving", source: "registry.example/app\x1b[2J" },
    image,
    { kind: "image", name: undefined, target },
    part("a", "waiting", 0),
    part("a", "downloading", 0),
    part("a", "downloading", 1_000_000),
    part("b", "exists", 1000, 1000, "config"),
    part("a", "downloading", 20_000_000),
    part("a", "verifying", 20_000_000),
    part("a", "done", 20_000_000),
    { kind: "named", name: NAME, target },
  ];
  for (const event of events) progress.onEvent(event);
  progress[Symbol.dispose]();
  assert.deepEqual(lines.join("").split("\n"), [
    "registry.example/app?[2J: resolving",
    `${NAME}: ${target.digest}`,
    `an image without a name: ${target.digest}`,
    "aaaaaaaaaaaa: layer: waiting",
    "aaaaaaaaaaaa: layer: uploading 20MB",
    "bbbbbbbbbbbb: config: already there",
    "aaaaaaaaaaaa: layer: verifying",
    "aaaaaaaaaaaa: layer: done",
    `${NAME}: done`,
    "",
  ]);
});
