import { OrlopError } from "@orlop/core";
import { type PulledImage, pullImage, type TransferListener } from "@orlop/image";
import type { Command } from "../command.ts";
import { parseImageReference } from "../image/image-reference.ts";
import { printText } from "../print.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { openSource } from "./open-source.ts";

export const pullCommand: Command = {
  name: "pull",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  description:
    "Brings images from a registry to this machine, and makes root file systems of their layers while they come. What a " +
    "pull that was cut off has brought is there for the next one.\n\n" +
    "IMAGE is a name as docker takes it: busybox is docker.io/library/busybox:latest.",
  examples: [
    ["orlop pull registry.example/app:1.2", "an image by its tag"],
    ["orlop pull --platform linux/arm64 registry.example/app", "one for another processor"],
  ],
  table: {
    flags: [{ name: "quiet", short: "q", help: "Print nothing but the names" }],
    refused: [],
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length === 0) throw new OrlopError("invalid", "an image is required");
    await using depot = openDepot();
    for (const text of flags.positional) {
      const { name } = await pull(depot, text, undefined);
      printText(`${name}\n`);
    }
    return 0;
  },
};

async function pull(depot: Depot, text: string, onEvent: TransferListener | undefined): Promise<PulledImage> {
  const reference = parseImageReference(text, process.cwd());
  await using open = openSource(reference);
  const [image] = await open.source.images();
  if (image === undefined) throw new OrlopError("not-found", `Cannot pull "${text}": there is no image`);
  return await pullImage(open.source, depot, image, {
    platform: ownPlatform(),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
}
