import { OrlopError, parsePlatform } from "@orlop/core";
import { openImageArchive } from "@orlop/image/files";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { collectAfterwards } from "../gc/collect-afterwards.ts";
import { readImageContent } from "../images/image-content.ts";
import { tellImage } from "../images/tell-image.ts";
import { printText } from "../print.ts";
import { showProgress } from "../progress/show-progress.ts";
import { openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";
import { SIGNATURE_POLICY_FLAG } from "./image-verifiers.ts";
import { archiveOrigin } from "./open-source.ts";
import { takeIn } from "./take-in.ts";

export const loadCommand: Command = {
  name: "load",
  usage: "[OPTIONS]",
  description:
    "Takes in the images of an archive: an OCI image layout in a tar archive, or what docker save and podman save write, " +
    "compressed or not. Images that have no name there get their digests for one.",
  examples: [
    ["orlop load -i images.tar", "from a file"],
    ["docker save app:dev | orlop load", "from docker"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [
      { name: "input", short: "i", value: "FILE", help: "The archive (standard input)" },
      {
        name: "platform",
        value: "OS/ARCH[/VARIANT]",
        emptyIsNone: true,
        help: "Of images for several platforms, take this one",
      },
      { name: "quiet", short: "q", help: "Show no progress" },
      SIGNATURE_POLICY_FLAG,
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length > 0) throw new OrlopError("invalid", "no arguments are taken; name the file with -i");
    const input = flags.text("input");
    if (input === undefined && caller().isTerminal(0)) {
      throw new OrlopError("invalid", "requested load from stdin, but stdin is a terminal; use -i, or redirect it");
    }
    const platform = flags.parse("platform", parsePlatform) ?? ownPlatform();
    using _collecting = collectInOneGo();
    await using depot = openDepot();
    using cancel = new CancelOnSignals();
    const { signal } = cancel;
    await using source = await openImageArchive(input ?? caller().stdin, { signal });
    const images = await source.images();
    if (images.length === 0) throw new OrlopError("not-found", `Cannot load "${source.name}": it has no images`);
    const origin = archiveOrigin(source.transport, input);
    const signaturePolicy = flags.text("signature-policy");
    for (const image of images) {
      const name = image.name ?? image.target.digest;
      using progress = showProgress({ quiet: flags.isOn("quiet"), movement: "loading" });
      await takeIn(depot, { source, origin, image, name }, { platform, signaturePolicy, signal, progress });
      const { id } = await readImageContent(depot.content, { name, target: image.target }, platform);
      tellImage(depot.database, "load", id, name);
      printText(image.name === undefined ? `Loaded image ID: ${id}\n` : `Loaded image: ${name}\n`);
    }
    await collectAfterwards(depot);
    return 0;
  },
};
