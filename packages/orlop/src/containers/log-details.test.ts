import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogDetails } from "@orlop/engine";
import { containerOf } from "../run/described-container-fixture.ts";
import { logDetails } from "./log-details.ts";

const told = (details?: LogDetails): string => {
  const log = { driver: "file", ...(details === undefined ? {} : { details }) } as const;
  const process = { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 }, env: ["A=1", "AB=x=y", "Z="] };
  const labels = { team: "größe (a)!", "org.x": "*" };
  return logDetails(
    containerOf({ name: "box", image: { text: "host", id: `sha256:${"ab".repeat(32)}` }, log, process, labels }, {}),
  );
};

test("details of a line are sorted, and escaped as Go's url.QueryEscape does", () => {
  assert.equal(
    told({ labels: ["team", "org.x", "none"], env: ["AB", "Z"] }),
    "AB=x%3Dy,Z=,org.x=%2A,team=gr%C3%B6%C3%9Fe+%28a%29%21",
  );
});

test("details of a line are those that patterns suit, and a tag that says something", () => {
  assert.equal(told({ envRegex: "^A", labelsRegex: "x$" }), "A=1,AB=x%3Dy,org.x=%2A");
  assert.equal(told({ tag: "{{.Name}}-{{.ImageID}}" }), "tag=box-abababababab");
  assert.equal(told({ tag: "" }), "");
  assert.equal(told(), "");
});
