import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { type Envelope, EVENTS_API } from "../shim-protocol/events-api.ts";
import { service, TtrpcServer } from "../ttrpc/ttrpc-server.ts";
import { EventPublisher } from "./event-publisher.ts";

describe("a publisher of events", () => {
  test("sends what has happened before there is anybody, in order, and goes on after what is refused", () =>
    withTemporaryDirectory(async (directory) => {
      const address = join(directory, "events");
      const refused: unknown[] = [];
      const publisher = new EventPublisher({ address, namespace: "ns", onRefused: (error) => refused.push(error) });
      const heard: Envelope[] = [];
      const all = Promise.withResolvers<void>();
      publisher.publish("TaskStart", { containerId: "a", pid: 1 });
      publisher.publish("TaskOOM", { containerId: "bad" });
      publisher.publish("TaskExit", { containerId: "a", id: "a", pid: 1, exitStatus: 3 });
      const events = service(EVENTS_API, {
        Forward: ({ envelope }) => {
          if (envelope?.topic === "/tasks/oom") throw new OrlopError("denied", "no");
          heard.push(envelope ?? {});
          if (heard.length === 2) all.resolve();
          return {};
        },
      });
      await using _ = await TtrpcServer.listen([events], { path: address });
      await all.promise;
      assert.deepEqual(
        heard.map(({ topic, namespace, event }) => [topic, namespace, event?.typeUrl]),
        [
          ["/tasks/start", "ns", "containerd.events.TaskStart"],
          ["/tasks/exit", "ns", "containerd.events.TaskExit"],
        ],
      );
      assert.deepEqual(
        refused.map((error) => (error as OrlopError).code),
        ["denied"],
      );
      publisher.close();
    }));
});
