import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { completeWords } from "./complete-words.ts";
import type { NameKind } from "./names-of.ts";

const NAMES: Readonly<Record<NameKind, readonly string[]>> = {
  container: ["web", "work"],
  image: ["busybox:1.2"],
  network: ["app"],
  pod: ["shop"],
  volume: ["data"],
};

const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
  (await completeWords(words, async (kind) => NAMES[kind])).map(({ word }) => word);

describe("what is typed", () => {
  const cases: readonly (readonly [words: readonly string[], expected: readonly string[]])[] = [
    [["ren"], ["rename"]],
    [["gen"], ["generate"]],
    [
      ["generate", ""],
      ["kube", "systemd"],
    ],
    [["pod", "stop", "-t", "1", ""], ["shop"]],
    [["run", "--pod", ""], ["shop"]],
    [
      ["generate", "kube", ""],
      ["shop", "web", "work", "data"],
    ],
    [["nope", ""], []],
    [
      ["run", "--health-st"],
      ["--health-start-period", "--health-start-interval"],
    ],
    [["run", "--pull", "n"], ["never"]],
    [["run", "--pull=n"], ["--pull=never"]],
    [["run", "--network", ""], ["app"]],
    [["run", "--volumes-from", "wo"], ["work"]],
    [
      ["run", "--attach", "std"],
      ["stdin", "stdout", "stderr"],
    ],
    [["rmi", "--a"], ["--all"]],
    [["run", "--net=a"], ["--net=app"]],
    [["run", "--env", ""], []],
    [["run", "-it", ""], ["busybox:1.2"]],
    [["run", "-e", "A=1", "bu"], ["busybox:1.2"]],
    // What follows is the container's.
    [["run", "busybox:1.2", "-"], []],
    [["run", "busybox:1.2", ""], []],
    [["stop", "-t", "1", "wo"], ["work"]],
    [
      ["stop", "web", "--", "w"],
      ["web", "work"],
    ],
    [["stop", "web", "--tim"], ["--timeout"]],
    [["network", "connect", ""], ["app"]],
    [["network", "connect", "app", "we"], ["web"]],
    [["volume", "rm", ""], ["data"]],
    [
      ["inspect", ""],
      ["web", "work", "busybox:1.2"],
    ],
    [["export", "web", ""], []],
  ];
  for (const [words, expected] of cases) {
    test(`is completed: orlop ${words.join(" ")}`, async () => {
      assert.deepEqual(await complete(...words), expected);
    });
  }

  test("offers no flag that is refused, and nothing that the command calls itself with", async () => {
    assert.equal((await complete("run", "--li")).includes("--link"), false);
    assert.deepEqual(await complete("_"), []);
  });
});
