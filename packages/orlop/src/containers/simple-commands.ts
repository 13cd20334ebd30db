import { OrlopError, parseName } from "@orlop/core";
import type { Command } from "../command.ts";
import { chosenContainers, SHORT_CHOICE_FLAGS } from "./chosen-containers.ts";
import { containerCommand, withEach } from "./container-verb.ts";

export const pauseCommand: Command = containerCommand(
  {
    name: "pause",
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Has all processes of containers stand still until orlop unpause.",
    examples: [["orlop pause web", "it keeps what it has, and does nothing"]],
    table: { flags: SHORT_CHOICE_FLAGS, flagsAnywhere: true },
  },
  async (call) => {
    const names = await chosenContainers(call, ({ state }) => state.status === "running");
    return await withEach(names, async (text) => void (await call.engine.pause(text)));
  },
);

export const unpauseCommand: Command = containerCommand(
  {
    name: "unpause",
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Has the processes of containers go on after orlop pause.",
    examples: [["orlop unpause web", "it goes on where it was"]],
    table: { flags: SHORT_CHOICE_FLAGS, flagsAnywhere: true },
  },
  async (call) => {
    const names = await chosenContainers(call, ({ state }) => state.status === "paused");
    return await withEach(names, async (text) => void (await call.engine.resume(text)));
  },
);

export const renameCommand: Command = containerCommand(
  {
    name: "rename",
    usage: "CONTAINER NEW_NAME",
    description: "Gives a container another name.",
    examples: [["orlop rename calm_harbor web", "the name that was made up goes"]],
    table: { flags: [], flagsAnywhere: true },
  },
  async ({ engine, flags }) => {
    const [text, name, ...others] = flags.positional;
    if (text === undefined || name === undefined || others.length > 0) {
      throw new OrlopError("invalid", `a container and a name are taken, and there are ${flags.positional.length}`);
    }
    await engine.rename(text, parseName(name));
    return 0;
  },
);
