import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bootstrapParams, bootstrapResult, readBootstrapParams, readStartAnswer } from "./bootstrap.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const utf8 = (text: string): string => Buffer.from(text).toString("hex");

describe("the start of a shim", () => {
  test("is asked for with BootstrapParams, field by field", () => {
    const start = { id: "a", namespace: "ns", address: "/g", eventsAddress: "/t", publishBinary: "/p" };
    assert.deepEqual(
      bootstrapParams(start),
      hex(`0a0161 12026e73 2a02${utf8("/t")} 3202${utf8("/g")} 3a02${utf8("/p")}`),
    );
  });

  const socket = "/run/containerd/s/0f";
  for (const [what, output, version] of [
    ["an address alone", Buffer.from(`unix://${socket}`), 2],
    ["JSON", Buffer.from(`{"version":3,"address":"unix://${socket}","protocol":"ttrpc"}\n`), 3],
    ["a BootstrapResult", hex(`0803 121b${utf8(`unix://${socket}`)} 1a05${utf8("ttrpc")}`), 3],
    [
      "a BootstrapResult with fields of a later version",
      hex(`0803 121b${utf8(`unix://${socket}`)} 1a05${utf8("ttrpc")} f00101`),
      3,
    ],
  ] as const) {
    test(`is answered by ${what}`, () => assert.deepEqual(readStartAnswer("x", output), { version, socket }));
  }

  test("is asked for and answered on both sides alike", () => {
    const start = { id: "a", namespace: "ns", address: "/g", eventsAddress: "/t", publishBinary: "/p" };
    assert.deepEqual(readBootstrapParams(bootstrapParams(start)), start);
    const asked = { ...start, address: "unix:///g", eventsAddress: "unix:///t" };
    assert.deepEqual(readBootstrapParams(bootstrapParams(asked)), start);
    assert.deepEqual(readStartAnswer("x", bootstrapResult(`unix://${socket}`)), { version: 3, socket });
  });

  test("may lead to the abstract namespace", () => {
    const address = "/containerd-shim/ns/id/shim.sock";
    assert.deepEqual(readStartAnswer("x", Buffer.from(address)), { version: 2, socket: `\0${address}` });
  });

  for (const [what, output] of [
    ["gRPC", '{"version":3,"address":"unix:///s","protocol":"grpc"}'],
    ["a version to come", '{"version":4,"address":"unix:///s","protocol":"ttrpc"}'],
    ["vsock", "vsock://3:1024"],
    ["nothing", ""],
  ] as const) {
    test(`is refused for ${what}`, () => {
      const refused = { code: "unsupported", message: /^Cannot speak to shim "x": / };
      assert.throws(() => readStartAnswer("x", Buffer.from(output)), refused);
    });
  }
});
