import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { describe, test } from "node:test";
import { HELLO_FACTS, HELLO_SECTIONS, type HelloSection, LAUNCHER_NAMESPACES, LAUNCHER_VERSION } from "@orlop/kernel";
import { type Hello, HelloReader, isOneOfUs } from "./hello.ts";

function section(name: HelloSection, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(HELLO_SECTIONS.indexOf(name), 0);
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

/** What a launcher says that this process's own parent had called. */
function ownHello(changes: Partial<Record<HelloSection, Buffer | string>> = {}): Buffer {
  const facts = Buffer.alloc(16);
  facts.writeUInt32LE(LAUNCHER_VERSION, HELLO_FACTS.version);
  facts.writeUInt32LE(process.geteuid?.() ?? 0, HELLO_FACTS.uid);
  facts.writeInt32LE(-1, HELLO_FACTS.descriptor);
  facts.writeUInt32LE(4711, HELLO_FACTS.pid);
  const said: Record<HelloSection, Buffer | string> = {
    end: "",
    facts,
    arguments: "orlop-oci\0run\0a b\0\0",
    environment: "A=1\0B=x=y\0A=2\0=odd\0none\0",
    cwd: "/somewhere\0",
    cgroups: "0::/here\n",
    status: readFileSync("/proc/self/status"),
    root: readlinkSync("/proc/self/root"),
    namespaces: LAUNCHER_NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(""),
    ...changes,
  };
  const sections = HELLO_SECTIONS.filter((name) => name !== "end").map((name) => section(name, said[name]));
  return Buffer.concat([...sections, section("end", said.end)]);
}

/** As it comes in chunks of at most so many bytes. */
function read(bytes: Buffer, chunkBytes = bytes.length): Hello | undefined {
  const reader = new HelloReader();
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const hello = reader.push(bytes.subarray(at, at + chunkBytes));
    if (hello !== undefined) return hello;
  }
  return undefined;
}

describe("a hello", () => {
  test("is understood, in whatever pieces it comes", () => {
    const bytes = ownHello();
    for (const chunkBytes of [1, 7, 8, 9, 4096]) {
      const hello = read(bytes, chunkBytes);
      assert.deepEqual(hello?.arguments, ["orlop-oci", "run", "a b", ""]);
      assert.deepEqual({ ...hello.environment }, { A: "1", B: "x=y" });
      assert.deepEqual([hello.pid, hello.descriptor, hello.cwd, hello.cgroups], [4711, -1, "/somewhere", "0::/here\n"]);
      assert.equal(hello.umask, process.umask());
      assert.ok(isOneOfUs(hello));
    }
  });

  test("of somebody who means other things by the same words, or may do others, is not one of ours", () => {
    const status = readFileSync("/proc/self/status", "utf8");
    const others: readonly Partial<Record<HelloSection, string>>[] = [
      { root: "/elsewhere" },
      { namespaces: "mnt:[1]user:[2]pid:[3]cgroup:[4]" },
      { cwd: "(unreachable)/somewhere\0" },
      { cwd: "" },
      { status: "" },
      { status: status.replace(/^CapEff:.*$/m, "CapEff:\t0000000000000001") },
      { status: status.replace(/^Groups:.*$/m, "Groups:\t4711 ") },
      { status: status.replace(/^NoNewPrivs:.*$/m, "NoNewPrivs:\t7") },
      { status: status.replace(/^Umask:.*$/m, "") },
    ];
    for (const changes of others) {
      const hello = read(ownHello(changes));
      assert.ok(hello !== undefined && !isOneOfUs(hello), JSON.stringify(changes));
    }
  });

  test("that is none is an error, or never complete, whatever it is", () => {
    const good = ownHello();
    // A generator of numbers that is the same every time: its seed is printed by the failure.
    let state = 20_261_128;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % limit;
    };
    let complete = 0;
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(good.subarray(0, random(10) === 0 ? random(good.length) : good.length));
      for (let change = random(4); change > 0 && bytes.length > 0; change--) bytes[random(bytes.length)] = random(256);
      try {
        const hello = read(bytes, 1 + random(500));
        if (hello === undefined) continue;
        complete++;
        isOneOfUs(hello);
      } catch (error) {
        assert.ok(error instanceof Error, `round ${round}`);
        assert.match(error.message, /section|hello|range|bounds/, `round ${round}: ${error.stack}`);
      }
    }
    assert.ok(complete > 100, "most changes are of no consequence");
  });

  test("without an end is not read for ever", () => {
    const reader = new HelloReader();
    const chunk = section("environment", Buffer.alloc(4096, "x"));
    assert.throws(() => {
      for (let index = 0; index < 10_000; index++) reader.push(chunk);
    }, /HELLO_MAX_BYTES/);
  });
});
