import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CGROUP_MODES, CRIU_GO_ON, encodeCriuRequest } from "./criu-request.ts";

suite("a request to criu", () => {
  test("is what protoc makes of the same text with criu's rpc.proto", () => {
    const request = encodeCriuRequest("dump", {
      imagesDirFd: 61,
      pid: 4711,
      leaveRunning: true,
      logLevel: 4,
      logFile: "dump.log",
      notifyScripts: true,
      external: ["mnt[/a]:/a", "file[18:3]"],
      emptyNs: 0x4000_0000,
      manageCgroupsMode: CGROUP_MODES.full,
      ps: { address: "192.0.2.1", port: 1234 },
      cgRoot: [
        { ctrl: "", path: "/x" },
        { ctrl: "cpu", path: "/y" },
      ],
      inheritFd: [{ key: "pipe:[300]", fd: 0 }],
      joinNs: [{ ns: "ipc", nsFile: "/n" }],
      lsmMountContext: "c",
    });
    assert.equal(request.toString("hex"), FROM_PROTOC);
  });

  test("to go on has a type and a success", () => {
    assert.equal(CRIU_GO_ON.toString("hex"), "08061801");
  });
});

const FROM_PROTOC =
  "0801127f083d10e72418014804520864756d702e6c6f675a0e0a093139322e302e322e3110d2096001ca01060a0012022f78ca01090a036370" +
  "7512022f79da010e0a0a706970653a5b3330305d1000900204aa020a6d6e745b2f615d3a2f61aa020a66696c655b31383a335db00280808080" +
  "04ba02090a0369706312022f6efa030163";
