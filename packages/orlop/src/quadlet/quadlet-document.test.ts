import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { playKubeCommand } from "../kube/play-kube-command.ts";
import { networkCreateCommand } from "../networks/network-commands.ts";
import { podCreateCommand } from "../pods/pod-create-command.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { pullCommand } from "../transfer/pull-command.ts";
import { volumeCreateCommand } from "../volumes/volume-commands.ts";
import { KINDS, type Kind } from "./key-rules.ts";
import { quadletDocument } from "./quadlet-document.ts";

const DOCUMENT = join(import.meta.dirname, "../../../../docs/quadlet.md");
const MARK = "<!-- written by packages/orlop/src/quadlet/quadlet-document.test.ts -->\n\n";

test("the documentation has every key of quadlet's unit files", () => {
  const [words = ""] = readFileSync(DOCUMENT, "utf8").split(MARK);
  const wanted = `${words}${MARK}${quadletDocument()}`;
  if (process.env.ORLOP_GOLDEN === "write") writeFileSync(DOCUMENT, wanted);
  assert.equal(readFileSync(DOCUMENT, "utf8"), wanted, "docs/quadlet.md differs: set ORLOP_GOLDEN=write to renew it");
});

test("every flag that a key becomes is one of its verb's", () => {
  const verbs: Readonly<Record<Kind, readonly { readonly name: string; readonly value?: string }[]>> = {
    container: RUN_FLAGS.flags,
    pod: podCreateCommand.table.flags,
    volume: volumeCreateCommand.table.flags,
    network: networkCreateCommand.table.flags,
    image: pullCommand.table.flags,
    kube: playKubeCommand.table.flags,
  };
  for (const [kind, { keys }] of Object.entries(KINDS)) {
    for (const [key, { flag, form }] of Object.entries(keys)) {
      if (flag === undefined) continue;
      const found = verbs[kind as Kind].find(({ name }) => name === flag);
      assert.ok(found, `${key}= of .${kind}: there is no flag --${flag}`);
      assert.equal(found.value === undefined, form === "switch", `${key}= of .${kind}`);
    }
  }
});
