import { setTimeout as delay } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { type Container, healthOf } from "@orlop/engine";
import type { Command } from "../command.ts";
import { parseDuration } from "../format/parse-duration.ts";
import { type ContainerCall, containerCommand, withEach } from "./container-verb.ts";
import { LATEST, namedOrLatest } from "./latest-container.ts";

const INTERVAL_MS = 250;

/** Podman's words for what is waited for; that a container ends is not looked for but waited for. */
const CONDITIONS: Readonly<Record<string, (container: Container) => boolean>> = {
  configured: ({ state }) => state.status === "created",
  created: ({ state }) => state.status === "created",
  running: ({ state }) => state.status === "running",
  paused: ({ state }) => state.status === "paused",
  healthy: (container) => healthOf(container)?.status === "healthy",
  unhealthy: (container) => healthOf(container)?.status === "unhealthy",
};
const ENDS = ["stopped", "exited"];

/** As podman has it where it was no end that was waited for. */
const NO_EXIT_CODE = "-1";

export const waitCommand: Command = containerCommand(
  {
    name: "wait",
    usage: "[OPTIONS] [CONTAINER...]",
    description:
      "Waits until containers have ended, and prints their exit codes; of those that do not run, the last ones. With another " +
      "--condition it waits for that, and prints -1.",
    examples: [
      ["orlop wait job", "prints 0 when all went well"],
      ["orlop wait --condition healthy db", "before what needs it is started"],
    ],
    table: {
      flags: [
        {
          name: "condition",
          value: "CONDITION",
          help: "What to wait for, any of several: stopped, exited, running, paused, created, healthy, unhealthy (stopped)",
        },
        {
          name: "interval",
          short: "i",
          value: "DURATION",
          help: "How often to look for another condition than stopped (250ms)",
        },
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, flags } = call;
    const conditions = flags.parseAll("condition", parseCondition);
    const intervalMs = flags.parse("interval", parseInterval) ?? INTERVAL_MS;
    return await withEach(await namedOrLatest(call), async (text) =>
      conditions.length === 0 || conditions.every((each) => ENDS.includes(each))
        ? String(await engine.wait(text))
        : await waitFor(engine, text, conditions, intervalMs),
    );
  },
);

/** The line to print. */
async function waitFor(
  engine: ContainerCall["engine"],
  text: string,
  conditions: readonly string[],
  intervalMs: number,
): Promise<string> {
  const { id } = await engine.find(text);
  for (;;) {
    const container = await engine.find(id);
    if (conditions.some((each) => CONDITIONS[each]?.(container) === true)) return NO_EXIT_CODE;
    if (conditions.some((each) => ENDS.includes(each)) && container.state.status === "exited") {
      return String(container.state.exitCode);
    }
    await delay(intervalMs);
  }
}

function parseCondition(text: string): string {
  const known = [...ENDS, ...Object.keys(CONDITIONS)];
  if (known.includes(text)) return text;
  throw new OrlopError("invalid", `there are ${known.join(", ")}`);
}

/** Podman takes a bare number for milliseconds. */
function parseInterval(text: string): number {
  const intervalMs = /^\d{1,9}$/.test(text) ? Number(text) : (parseDuration(text) ?? 0) / 1e6;
  if (intervalMs > 0) return intervalMs;
  throw new OrlopError("invalid", "it is a duration that is longer than nothing: 250ms, 2s");
}
