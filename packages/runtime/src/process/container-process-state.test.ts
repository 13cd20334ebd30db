import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { State } from "@orlop/core";
import { processStateText } from "./container-process-state.ts";

const STATE: State = { ociVersion: "1.0.2", id: "c1", status: "creating", bundle: "/b", annotations: { ä: '"pid"' } };

function filledIn(state: State, metadata: string, pid: string): unknown {
  const { text, pidOffsets } = processStateText(state, metadata);
  for (const offset of pidOffsets) text.write(pid, offset);
  return JSON.parse(text.toString());
}

suite("the text of a container process state", () => {
  test("takes the pid at every place", () => {
    assert.deepEqual(filledIn(STATE, 'say "pid"', "     77"), {
      ociVersion: "1.3.0",
      fds: ["seccompFd"],
      pid: 77,
      metadata: 'say "pid"',
      state: { ...STATE, pid: 77 },
    });
  });

  test("names another version of the specification where it is asked to", () => {
    const { text } = processStateText(STATE, "", "0.2.0");
    assert.match(text.toString(), /^\{"ociVersion":"0\.2\.0",/);
  });

  test("leaves the container's own pid to be another's", () => {
    const state = { ...STATE, status: "running", pid: 5 } as const;
    assert.deepEqual(filledIn(state, "", "4194304"), {
      ociVersion: "1.3.0",
      fds: ["seccompFd"],
      pid: 4_194_304,
      metadata: "",
      state,
    });
  });
});
