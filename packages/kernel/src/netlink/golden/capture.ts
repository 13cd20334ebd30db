/**
 * Makes the golden bytes beside this file: runs the field's own tools under strace in fresh network namespaces and
 * keeps the datagrams that they exchange with the kernel. Run as root, with iproute2, nftables, conntrack and strace:
 *
 *     node -C source packages/kernel/src/netlink/golden/capture.ts packages/kernel/src/netlink/golden [name...]
 *     biome format --write packages/kernel/src/netlink/golden
 *
 * What is compared are bytes on a socket; a command that this kernel refuses still shows what the tool sends.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaptureGroup, captureGroups } from "./commands.ts";

interface Exchange {
  readonly sent: string;
  readonly received: string[];
}

interface Capture {
  readonly command: string;
  readonly exchanges: readonly Partial<Exchange>[];
}

/** The hexadecimal dumps that strace prints after each call: what was sent, and what came back before the next. */
function exchangesOf(trace: string): Exchange[] {
  const exchanges: Exchange[] = [];
  let current = "";
  let call = "";
  const flush = (): void => {
    if (current === "") return;
    if (call.startsWith("send")) exchanges.push({ sent: current, received: [] });
    // A peek shows the same bytes as the read after it.
    else if (!call.includes("MSG_PEEK")) exchanges.at(-1)?.received.push(current);
    current = "";
  };
  for (const line of trace.split("\n")) {
    if (/^(sendmsg|sendto|recvmsg|recvfrom)\(/.test(line)) {
      flush();
      call = line;
    }
    const dump = /^ \| [0-9a-f]{5} {2}([0-9a-f ]{48})/.exec(line);
    if (dump !== null) current += (dump[1] ?? "").replaceAll(" ", "");
  }
  flush();
  return exchanges;
}

/** Of a command that is here for what it sends: the nftables batch, or else the last request. */
function mainRequest(exchanges: readonly Exchange[]): Partial<Exchange>[] {
  const batch = exchanges.find(({ sent }) => sent.startsWith("140000001000"));
  const found = batch ?? exchanges.at(-1);
  return found === undefined ? [] : [{ sent: found.sent }];
}

function capture(group: CaptureGroup): Capture[] {
  const directory = mkdtempSync(join(tmpdir(), "golden-"));
  const dumps = "-e write=3,4,5 -e read=3,4,5 -e trace=sendmsg,sendto,recvmsg,recvfrom";
  const lines = ["ip link set lo up", ...group.setup];
  for (const [index, { command, input }] of group.commands.entries()) {
    const trace = join(directory, `${index}.trace`);
    if (input !== undefined) writeFileSync(join(directory, `${index}.input`), input);
    const stdin = input === undefined ? "/dev/null" : join(directory, `${index}.input`);
    lines.push(`strace -s 0 -o ${trace} ${dumps} ${command} <${stdin} >/dev/null 2>&1 || true`);
  }
  try {
    const script = join(directory, "script");
    writeFileSync(script, lines.join("\n"));
    execFileSync("unshare", ["--net", "--pid", "--fork", "--mount-proc", "sh", "-e", script], { stdio: "inherit" });
    return group.commands.map(({ command, input, answers }, index) => {
      const exchanges = exchangesOf(readFileSync(join(directory, `${index}.trace`), "utf8"));
      const told = input === undefined ? command : `${command} <<< '${input}'`;
      const kept = answers === undefined ? mainRequest(exchanges) : answers === "all" ? exchanges : exchanges.slice(-1);
      return { command: told, exchanges: kept };
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function version(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).trim().split("\n")[0] ?? "";
}

const [directory = ".", ...names] = process.argv.slice(2);
for (const group of captureGroups) {
  if (names.length > 0 && !names.includes(group.name)) continue;
  const madeBy = [
    version("ip", ["-V"]),
    version("nft", ["--version"]),
    version("uname", ["-sr"]).replace(/(\d+\.\d+).*/, "$1"),
  ];
  const captures = capture(group);
  const text = JSON.stringify({ madeBy, setup: group.setup, captures }, undefined, 2);
  writeFileSync(join(directory, `${group.name}.json`), `${text}\n`);
  const empty = captures.filter(({ exchanges }) => exchanges.length === 0).map(({ command }) => command);
  process.stdout.write(`${group.name}: ${captures.length} commands\n`);
  for (const command of empty) process.stdout.write(`  nothing sent by: ${command}\n`);
}
