/**
 * Makes `kernel-headers.json`: asks a C compiler for the value of every constant and the layout of every struct that
 * the tables of this folder name. Run with cc and the kernel's headers (linux-libc-dev 6.1 or newer):
 *
 *     node -C source packages/kernel/src/netlink/golden/capture-headers.ts packages/kernel/src/netlink/golden
 *     biome format --write packages/kernel/src/netlink/golden
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kernelConstants, kernelLayouts } from "./kernel-tables.ts";

const HEADERS = `sys/socket.h linux/netlink.h linux/rtnetlink.h linux/if.h linux/if_link.h linux/if_addr.h linux/if_arp.h
linux/if_bridge.h linux/if_ether.h linux/if_packet.h linux/if_vlan.h linux/veth.h linux/in.h linux/neighbour.h
linux/fib_rules.h linux/netfilter.h linux/netfilter/nfnetlink.h linux/netfilter/nf_tables.h linux/netfilter/nf_nat.h
linux/netfilter/nf_log.h linux/netfilter/nfnetlink_conntrack.h linux/netfilter/nf_conntrack_common.h
linux/netfilter/nf_conntrack_tuple_common.h`;

function program(): string {
  const lines = HEADERS.split(/\s+/).map((header) => `#include <${header}>`);
  const constants = [...new Set(kernelConstants().map(([name]) => name))].sort();
  const prints = constants.map((name) => `printf("constant ${name} %lld\\n", (long long)(${name}));`);
  for (const { description } of kernelLayouts) {
    const { struct, fields } = description;
    prints.push(`printf("struct ${struct} size 0 %zu\\n", sizeof(struct ${struct}));`);
    for (const { kernel } of Object.values(fields) as { kernel: string }[]) {
      const place = `offsetof(struct ${struct}, ${kernel}), sizeof(((struct ${struct} *)0)->${kernel})`;
      prints.push(`printf("struct ${struct} ${kernel} %zu %zu\\n", ${place});`);
    }
  }
  return `#include <stddef.h>\n#include <stdio.h>\n${lines.join("\n")}\nint main(void) {\n${prints.join("\n")}\n}\n`;
}

const work = mkdtempSync(join(tmpdir(), "headers-"));
try {
  writeFileSync(join(work, "ask.c"), program());
  execFileSync("cc", ["-o", join(work, "ask"), join(work, "ask.c")], { stdio: "inherit" });
  const constants: Record<string, number> = {};
  const structs: Record<string, Record<string, [number, number]>> = {};
  for (const line of execFileSync(join(work, "ask"), { encoding: "utf8" }).trim().split("\n")) {
    const [kind, name = "", ...rest] = line.split(" ");
    if (kind === "constant") constants[name] = Number(rest[0]);
    else structs[name] = { ...structs[name], [rest[0] ?? ""]: [Number(rest[1]), Number(rest[2])] };
  }
  const text = JSON.stringify({ madeBy: "linux-libc-dev 6.1", constants, structs }, undefined, 2);
  writeFileSync(join(process.argv[2] ?? ".", "kernel-headers.json"), `${text}\n`);
} finally {
  rmSync(work, { recursive: true });
}
