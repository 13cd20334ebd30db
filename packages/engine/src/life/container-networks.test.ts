import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { disconnectAll } from "./container-networks.ts";

test("what a program of others fails at holds up no end of a container, and is told", async () => {
  const left: string[] = [];
  const warnings: string[] = [];
  const networks = {
    async leave(network: string) {
      left.push(network);
      if (network === "bad") throw new OrlopError("failed", "Link not found");
      if (network === "gone") throw new OrlopError("not-found", "it has been removed");
      return { type: "network", action: "disconnect", id: network, attributes: {} };
    },
  };
  const context = {
    networks: async () => networks,
    warn: (message: string) => warnings.push(message),
  } as unknown as EngineContext;
  const attachments = ["bad", "gone", "good"].map((network) => ({ network, aliases: [] }));
  const network = { kind: "networks", attachments, ports: [] } as const;
  const events = await disconnectAll(context, { id: "a".repeat(64), network, state: { endpoints: [] } });
  assert.deepEqual(left, ["bad", "gone", "good"]);
  assert.deepEqual(
    events?.map(({ id }) => id),
    ["good"],
  );
  assert.deepEqual(warnings, [`${"a".repeat(12)} is not off its networks yet: Link not found`]);
});
