import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkRelay } from "@orlop/kernel/netlink";
import { LastingRelay } from "./lasting-relay.ts";

interface FakeRelay {
  readonly number: number;
  isLost: boolean;
  isClosed: boolean;
  close(): void;
}

function fakes(): { readonly relays: FakeRelay[]; readonly start: () => Promise<NetworkRelay> } {
  const relays: FakeRelay[] = [];
  return {
    relays,
    async start() {
      const relay: FakeRelay = {
        number: relays.length,
        isLost: false,
        isClosed: false,
        close() {
          this.isClosed = true;
        },
      };
      relays.push(relay);
      return relay as unknown as NetworkRelay;
    },
  };
}

const numberOf = (relay: NetworkRelay): number => (relay as unknown as FakeRelay).number;

test("what is being done by a relay ends before the relay is closed that is not needed any more", async () => {
  const { relays, start } = fakes();
  const lasting = new LastingRelay({ start, prepare: (relay) => relay });
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const uses = [first, second].map((gate) =>
    lasting.use(async (relay) => {
      await gate.promise;
      assert.equal(relays[numberOf(relay)]?.isClosed, false);
      return numberOf(relay);
    }),
  );
  await new Promise(setImmediate);
  await lasting.retire();
  first.resolve();
  assert.equal(await uses[0], 0);
  assert.equal(relays[0]?.isClosed, false);
  assert.equal(await lasting.use(async (relay) => numberOf(relay)), 1);
  second.resolve();
  assert.equal(await uses[1], 0);
  assert.equal(relays[0]?.isClosed, true);
  await lasting.close();
  assert.deepEqual(
    relays.map(({ isClosed }) => isClosed),
    [true, true],
  );
});

test("a relay that leads elsewhere by now is left to who uses it, and one that was killed is followed by another", async () => {
  const { relays, start } = fakes();
  let current = 0;
  const lasting = new LastingRelay({ start, prepare: (relay) => relay, isCurrent: () => relays.length > current });
  const gate = Promise.withResolvers<void>();
  const old = lasting.use(async (relay) => {
    await gate.promise;
    assert.equal(relays[numberOf(relay)]?.isClosed, false);
  });
  await new Promise(setImmediate);
  current = 1;
  const tried: number[] = [];
  await lasting.use(async (relay, isAgain) => {
    tried.push(numberOf(relay));
    if (isAgain) return;
    const found = relays[numberOf(relay)];
    if (found !== undefined) found.isLost = true;
    throw new Error("it was killed");
  });
  gate.resolve();
  await old;
  assert.deepEqual(tried, [1, 2]);
  assert.deepEqual(
    relays.map(({ isClosed }) => isClosed),
    [true, true, false],
  );
  await lasting.close();
});
