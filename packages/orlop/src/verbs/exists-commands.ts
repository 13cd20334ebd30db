import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { findImage } from "../images/find-image.ts";

export const containerExistsCommand: Command = existsCommand("container", async ({ engine }, name) => {
  await engine.find(name);
});

export const imageExistsCommand: Command = existsCommand("image", async ({ depot }, name) => {
  await findImage(depot, name);
});

export const networkExistsCommand: Command = existsCommand("network", async ({ networks }, name) => {
  await (await networks()).inspect(name);
});

export const volumeExistsCommand: Command = existsCommand("volume", async ({ engine }, name) => {
  if (engine.volumes.find(name) === undefined) throw new OrlopError("not-found", `no such volume: ${name}`);
});

/** @param find fails with `not-found` where there is none */
function existsCommand(
  noun: "container" | "image" | "network" | "volume",
  find: (call: ContainerCall, name: string) => Promise<void>,
): Command {
  return {
    ...containerCommand(
      {
        name: "exists",
        usage: noun.toUpperCase(),
        description: `Ends with exit code 0 when there is such ${noun === "image" ? "an" : "a"} ${noun}, and with 1 otherwise.`,
        examples: [[`orlop ${noun} exists it && echo it is here`, "in a script"]],
        table: {
          flags: [],
          refused: [{ name: "external", isSwitch: true, reason: "there are no containers of other programs' here" }],
          flagsAnywhere: true,
        },
      },
      async (call) => {
        const [name, ...others] = call.flags.positional;
        if (name === undefined || others.length > 0) {
          throw new OrlopError("invalid", `one ${noun} is taken, and there are ${call.flags.positional.length}`);
        }
        try {
          await find(call, name);
          return 0;
        } catch (error) {
          if (error instanceof OrlopError && error.code === "not-found") return 1;
          throw error;
        }
      },
    ),
    // What cannot be found out is no answer: podman's.
    failureExitCode: 125,
  };
}
