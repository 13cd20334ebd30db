import { OrlopError } from "@orlop/core";
import type { ProgramBuilder, Slot } from "@orlop/kernel";
import { loopback4, loopback6 } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import type { ProbeResult } from "../health/container-health.ts";
import { runProgram } from "../pods/namespaces/run-program.ts";
import type { Container } from "../state/container-rows.ts";
import type { ProbeAction } from "./container-probes.ts";

type ConnectAction = Extract<ProbeAction, { kind: "http" | "tcp" }>;

/** struct timeval (include/uapi/linux/time.h) */
const TIMEVAL_BYTES = 16;
/** `HTTP/1.1 204`: the first digit of the status stands there. */
const STATUS_AT = "HTTP/1.1 ".length;
const STATUS_BYTES = STATUS_AT + 3;
const [TWO, THREE] = [0x32, 0x33];

/** Connects with a port of the container's loopback, in its network namespace, and asks there by HTTP where that is wanted. */
export async function connectProbe(
  context: EngineContext,
  { name, state: { pid } }: Container,
  action: ConnectAction,
  timeoutMs: number,
): Promise<ProbeResult> {
  if (pid === undefined) throw new OrlopError("conflict", `Cannot probe container "${name}": it does not run`);
  const startedAtMs = Date.now();
  const ended = (exitCode: number, output: string): ProbeResult => ({
    startedAtMs,
    endedAtMs: Date.now(),
    exitCode,
    output,
  });
  try {
    await runProgram(`probe port ${action.port}`, (p) => {
      emitEnterNetwork(p, pid, context.rootless);
      const socket = p.slot("socket");
      emitConnect(p, socket, action.port, timeoutMs);
      if (action.kind === "http") emitAsk(p, socket, action);
    });
    return ended(0, "");
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    return ended(1, error.errno === "EBADMSG" ? "the answer is no success" : error.message);
  }
}

/** By way of the user namespace that it belongs to, where that is another one. */
function emitEnterNetwork(p: ProgramBuilder, pid: number, rootless: boolean): void {
  const namespaces = [...(rootless ? [["user", "CLONE_NEWUSER"] as const] : []), ["net", "CLONE_NEWNET"] as const];
  p.step({ action: "enter the container's network" });
  for (const [name, flag] of namespaces) {
    const path = p.text(`/proc/${pid}/ns/${name}`);
    p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: p.slot(flag) });
  }
  for (const [, flag] of namespaces) p.call("setns", [p.slot(flag), p.flags(flag)]);
}

/** include/linux/socket.h, include/uapi/asm-generic/socket.h */
const [AF_INET, AF_INET6, SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO] = [2, 10, 1, 20, 21];

/** By IPv4, and by IPv6 where nobody listens there. */
function emitConnect(p: ProgramBuilder, socket: Slot, port: number, timeoutMs: number): void {
  const [other, connected] = [p.label("nobody listens at IPv4"), p.label("connected")];
  p.step({ action: `connect to port ${port}` });
  const open = (family: number): void => {
    p.call("socket", [p.number(family, "family"), p.flags("SOCK_STREAM|SOCK_CLOEXEC"), 0], { into: socket });
    const time = Buffer.alloc(TIMEVAL_BYTES);
    time.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
    time.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8);
    for (const option of [SO_SNDTIMEO, SO_RCVTIMEO]) {
      const [level, name] = [p.number(SOL_SOCKET, "SOL_SOCKET"), p.number(option, "SO_*TIMEO")];
      p.call("setsockopt", [socket, level, name, p.bytes(time, `${timeoutMs} ms`), time.length]);
    }
  };
  open(AF_INET);
  const [four, six] = [loopback4(port), loopback6(port)];
  const refused = { on: ["ECONNREFUSED"], goto: other };
  p.call("connect", [socket, p.bytes(four, `127.0.0.1:${port}`), four.length], refused);
  p.jump(connected);
  p.mark(other);
  p.call("close", [socket]);
  open(AF_INET6);
  p.call("connect", [socket, p.bytes(six, `[::1]:${port}`), six.length]);
  p.mark(connected);
}

/** Reads no more of the answer than its status. */
function emitAsk(p: ProgramBuilder, socket: Slot, { port, path, headers }: ConnectAction & { kind: "http" }): void {
  const own = [
    ["Host", `localhost:${port}`],
    ["User-Agent", "orlop-probe"],
    ["Accept", "*/*"],
    ["Connection", "close"],
  ] as const;
  const isSaid = (name: string): boolean => headers.some((each) => each.name.toLowerCase() === name.toLowerCase());
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...own.filter(([name]) => !isSaid(name)).map(([name, value]) => `${name}: ${value}`),
    ...headers.map(({ name, value }) => `${name}: ${value}`),
  ];
  const request = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = p.buffer(STATUS_BYTES, "<status>");
  const got = p.slot("got");
  const digit = p.slot("digit");
  const good = p.label("a success");
  p.step({ action: `ask for ${path}` });
  p.call("sendto", [socket, p.bytes(request, path), request.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  p.step({ action: "read the answer" });
  p.call("recvfrom", [socket, answer, STATUS_BYTES, p.number(MSG_WAITALL, "MSG_WAITALL"), 0, 0], { into: got });
  p.load(digit, answer.at(STATUS_AT), 1);
  for (const each of [TWO, THREE]) p.branch(digit, "eq", each, good);
  p.fail("EBADMSG");
  p.mark(good);
}

/** include/linux/socket.h */
const MSG_WAITALL = 0x100;
