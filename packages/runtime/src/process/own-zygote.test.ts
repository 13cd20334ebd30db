import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { OwnZygote } from "./own-zygote.ts";

class FakeZygote {
  alive = true;
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  submit(): void {}

  close(): void {
    this.alive = false;
  }
}

suite("the zygote of a runtime", () => {
  test("is moved once before its first container, and the next one after its end again", async () => {
    const started: FakeZygote[] = [];
    const moved: number[] = [];
    const own = new OwnZygote(
      () => {
        const zygote = new FakeZygote(started.length + 1);
        started.push(zygote);
        return zygote;
      },
      async (pid) => {
        moved.push(pid);
        return `0::/${pid}\n`;
      },
    );
    assert.equal(own.current, started[0]);
    assert.deepEqual(moved, [], "nothing needs it elsewhere yet");
    assert.deepEqual(await Promise.all([own.entered(), own.entered()]), ["0::/1\n", "0::/1\n"]);
    assert.deepEqual(moved, [1]);
    started[0]?.close();
    assert.equal(await own.entered(), "0::/2\n");
    assert.equal(await own.entered(), "0::/2\n");
    assert.deepEqual(moved, [1, 2]);
    own.close();
    assert.equal(started[1]?.alive, false);
    assert.equal(started.length, 2);
  });

  test("stays where its maker is when nobody says otherwise", async () => {
    const zygote = new FakeZygote(1);
    assert.equal(await new OwnZygote(() => zygote).entered(), undefined);
  });
});
