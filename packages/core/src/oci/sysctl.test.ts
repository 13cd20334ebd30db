import assert from "node:assert/strict";
import { test } from "node:test";
import { sysctlNamespace, sysctlPath } from "./sysctl.ts";

test("turns both forms of a sysctl's name into its path", () => {
  assert.equal(sysctlPath("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
  assert.equal(sysctlPath("net/ipv4/ip_forward"), "net/ipv4/ip_forward");
  assert.equal(sysctlPath("net.ipv4.conf.eth0/7.forwarding"), "net/ipv4/conf/eth0.7/forwarding");
  assert.equal(sysctlPath("net/ipv4/conf/eth0.7/forwarding"), "net/ipv4/conf/eth0.7/forwarding");
});

test("refuses names that leave their directory", () => {
  for (const name of [
    "net/../kernel/core_pattern",
    "net.//.kernel.core_pattern",
    "net..ipv4",
    "net//ipv4",
    "/net/ipv4",
    ".net.ipv4",
    "net.",
    "net/./x",
    "",
  ]) {
    assert.equal(sysctlPath(name), undefined, name);
  }
});

test("knows which namespace a sysctl belongs to", () => {
  const cases = {
    "net/core/somaxconn": "network",
    "kernel/sem": "ipc",
    "kernel/shm_rmid_forced": "ipc",
    "fs/mqueue/msg_max": "ipc",
    "kernel/domainname": "uts",
    "user/max_user_namespaces": "user",
    "kernel/semi": undefined,
    "fs/file-max": undefined,
    network: undefined,
    net: undefined,
  };
  for (const [path, type] of Object.entries(cases)) assert.equal(sysctlNamespace(path), type, path);
});
