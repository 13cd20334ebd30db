import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { COMMANDS, GROUPS } from "./command-table.ts";
import { findCommand, spellingsOf } from "./find-command.ts";
import { flagTitle } from "./flags/flag.ts";
import { commandHelp, groupHelp, overallHelp } from "./help.ts";
import { RUN_FLAGS } from "./run/run-flags.ts";
import { wrapText } from "./wrap-text.ts";

/** Every flag of `docker run` 28.5. */
const DOCKER_FLAGS =
  `add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns
  cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems
  detach detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops
  disable-content-trust dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd
  health-interval health-retries health-start-interval health-start-period health-timeout hostname init interactive
  io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt
  mac-address memory memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck
  oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm
  runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user
  userns uts volume volume-driver volumes-from workdir`.split(/\s+/);

/** Every way to call a command, with the command. */
const CALLS = [
  ...COMMANDS.map((entry) => ({ path: entry.name, entry })),
  ...GROUPS.flatMap(({ name, commands }) => commands.map((entry) => ({ path: `${name} ${entry.name}`, entry }))),
];

describe("help", () => {
  test("names every command with what it does", () => {
    const text = overallHelp();
    for (const { name, summary } of [...COMMANDS, ...GROUPS]) {
      assert.ok(text.includes(`  ${name} `) && text.includes(summary), name);
    }
  });

  test("has a name of its own for every command", () => {
    const spellings = [...COMMANDS, ...GROUPS].map(({ name }) => name);
    assert.deepEqual(spellings, [...new Set(spellings)]);
    const paths = CALLS.map(({ path }) => path);
    assert.deepEqual(paths, [...new Set(paths)]);
  });

  for (const group of GROUPS) {
    test(`names every command of the group ${group.name} with what it does`, () => {
      const text = groupHelp(group);
      assert.ok(text.startsWith(`Usage:  orlop ${group.name} COMMAND\n`));
      for (const { name, summary } of group.commands) assert.ok(text.includes(`  ${name} `) && text.includes(summary));
    });
  }

  test("tells all ways to call a command", async () => {
    const [entry] = COMMANDS.filter(({ name }) => name === "images");
    assert.ok(entry !== undefined);
    const text = commandHelp(await entry.load(), "image ls", spellingsOf(entry));
    assert.ok(text.startsWith("Usage:  orlop image ls ["));
    assert.ok(text.includes("\nAlso called:\n  orlop images, orlop image ls, orlop image list\n"));
  });

  test("no word stands for two commands", () => {
    const words = CALLS.flatMap(({ entry }) => entry).length;
    const called = new Set(CALLS.flatMap(({ entry }) => spellingsOf(entry)));
    for (const spelling of called) {
      const found = findCommand(spelling.split(" "));
      assert.equal(found.kind, "command", spelling);
      if (found.kind === "command") assert.ok(spellingsOf(found.entry).includes(spelling));
    }
    assert.ok(called.size >= words);
  });

  for (const { path, entry } of CALLS) {
    test(`explains every flag of ${path}, within a hundred columns`, async () => {
      const command = await entry.load();
      const text = commandHelp(command, path, spellingsOf(entry));
      assert.ok(text.startsWith(`Usage:  orlop ${path} `));
      for (const flag of command.table.flags) assert.ok(text.includes(flagTitle(flag)), flag.name);
      for (const line of text.split("\n")) assert.ok(line.length <= 100, `${line.length} columns: ${line}`);
      const names = command.table.flags.map((flag) => flag.name);
      assert.equal(new Set(names).size, names.length, "a flag stands there twice");
      const letters = command.table.flags.flatMap(({ short }) => short ?? []);
      assert.equal(new Set(letters).size, letters.length, "a letter stands for two flags");
    });
  }
});

test("flags may stand behind the words of every command, unless those are another program's", async () => {
  const commands = await Promise.all(CALLS.map(async ({ path, entry }) => ({ path, command: await entry.load() })));
  // `[OPTIONS]` alone: there are no words.
  const withWords = commands.filter(({ command }) => !/^(\[OPTIONS\])?$/.test(command.usage));
  const endedByWords = withWords.filter(({ command }) => command.table.flagsAnywhere !== true).map(({ path }) => path);
  const otherPrograms = ["create", "exec", "run", "top"];
  assert.deepEqual(
    endedByWords.toSorted(),
    ["explain", "pod top", "try", ...otherPrograms, ...otherPrograms.map((name) => `container ${name}`)].sort(),
  );
});

test("run takes or refuses every flag of docker's by its name", () => {
  const known = [...RUN_FLAGS.flags, ...(RUN_FLAGS.refused ?? [])].map(({ name }) => name);
  assert.deepEqual(
    DOCKER_FLAGS.filter((name) => !known.includes(name)),
    [],
  );
  const both = RUN_FLAGS.flags.filter(({ name }) => RUN_FLAGS.refused?.some((each) => each.name === name));
  assert.deepEqual(both, []);
});

test("text is wrapped between words, and words longer than a line stand alone", () => {
  assert.equal(wrapText("one two three", 7, "  "), "one two\n  three");
  assert.equal(wrapText("incomprehensible x", 5, ""), "incomprehensible\nx");
  assert.equal(wrapText("", 5, ""), "");
});
