import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { LeaseResource, LeaseStore } from "@orlop/core";
import { withTemporaryDirectory } from "../temporary-directory.ts";

/** A store of a directory that other stores may be open on. */
export interface LeaseStoreSubject extends AsyncDisposable {
  readonly leases: LeaseStore;
}

type MakeLeaseStore = (directory: string) => Promise<LeaseStoreSubject>;

interface LeaseStoreCase {
  readonly title: string;
  /** `another` opens one more store on the same directory, as another process has it. */
  check(leases: LeaseStore, another: () => Promise<LeaseStore>): Promise<void>;
}

const BLOB: LeaseResource = { kind: "content", digest: `sha256:${"1".repeat(64)}` };
const SNAPSHOT: LeaseResource = { kind: "snapshot", snapshotter: "overlay", key: "a key" };
const HOUR_MS = 3_600_000;

const CASES: readonly LeaseStoreCase[] = [
  {
    title: "makes leases with ids of its own, and with those that are asked for",
    async check(leases) {
      const own = await leases.create({ labels: { by: "a" } });
      const asked = await leases.create({ id: "asked", expiresInMs: HOUR_MS });
      assert.equal(own.expiresAtMs, undefined);
      assert.equal(asked.expiresAtMs, asked.createdAtMs + HOUR_MS);
      const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
      assert.deepEqual([...(await leases.list())].sort(byId), [own, asked].sort(byId));
      await assert.rejects(leases.create({ id: "asked" }), { code: "exists" });
    },
  },
  {
    title: "keeps resources of both kinds, each once, until they are removed",
    async check(leases) {
      const { id } = await leases.create();
      for (const each of [BLOB, SNAPSHOT, BLOB]) await leases.add(id, each);
      assert.deepEqual(await leases.resources(id), [BLOB, SNAPSHOT]);
      await leases.remove(id, BLOB);
      await leases.remove(id, BLOB);
      assert.deepEqual(await leases.resources(id), [SNAPSHOT]);
    },
  },
  {
    title: "keeps from the beginning what a lease is made with, or makes none",
    async check(leases) {
      const { id } = await leases.create({ resources: [SNAPSHOT, BLOB, SNAPSHOT] });
      assert.deepEqual(await leases.resources(id), [BLOB, SNAPSHOT]);
      await leases.remove(id, BLOB);
      await assert.rejects(leases.create({ id, resources: [BLOB] }), { code: "exists" });
      assert.deepEqual(await leases.resources(id), [SNAPSHOT]);
    },
  },
  {
    title: "forgets a deleted lease with its resources, and its id may be used again",
    async check(leases) {
      await leases.create({ id: "again" });
      await leases.add("again", BLOB);
      await leases.delete("again");
      await leases.delete("again");
      assert.deepEqual(await leases.list(), []);
      await leases.create({ id: "again" });
      assert.deepEqual(await leases.resources("again"), []);
    },
  },
  {
    title: "lists no lease that has expired, and adds nothing to it",
    async check(leases) {
      await leases.create({ id: "expired", expiresInMs: -1 });
      assert.deepEqual(await leases.list(), []);
      await assert.rejects(leases.add("expired", BLOB), { code: "not-found" });
      assert.equal((await leases.create({ id: "expired" })).id, "expired");
    },
  },
  {
    title: "adds nothing to what is not there",
    async check(leases) {
      await assert.rejects(leases.add("unknown", BLOB), { code: "not-found" });
      await leases.remove("unknown", BLOB);
    },
  },
  {
    title: "shows each process the leases of others",
    async check(leases, another) {
      const other = await another();
      const { id } = await leases.create();
      await other.add(id, BLOB);
      assert.deepEqual(await leases.resources(id), [BLOB]);
      assert.deepEqual(await other.list(), await leases.list());
      await other.delete(id);
      assert.deepEqual(await leases.list(), []);
    },
  },
];

/** Registers the conformance suite of the `LeaseStore` contract. `make` opens a store on a directory, again and again. */
export function leaseStoreSuite(name: string, make: MakeLeaseStore): void {
  suite(`${name}, as a LeaseStore`, () => {
    for (const { title, check } of CASES) {
      test(title, async () => {
        await withTemporaryDirectory(async (directory) => {
          await using stack = new AsyncDisposableStack();
          const open = async (): Promise<LeaseStore> => stack.use(await make(directory)).leases;
          await check(await open(), open);
        });
      });
    }
  });
}
