import { OrlopError, parsePlatform, parseReference } from "@orlop/core";
import { copyImage, isWhole, StoreSource } from "@orlop/image";
import { createImageArchive } from "@orlop/image/files";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { findImage } from "../images/find-image.ts";
import { keepImage } from "../images/keep-image.ts";
import { tellImage } from "../images/tell-image.ts";
import { ignoreErrorEvents, printWarning } from "../print.ts";
import { showProgress } from "../progress/show-progress.ts";
import { openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";

const FORMATS = ["docker-archive", "oci-archive"] as const;

export const saveCommand: Command = {
  name: "save",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  description:
    "Writes images of this machine to one archive, with their names. The archive is an OCI image layout, and, unless that " +
    "alone is asked for, has the files beside it that every version of docker and podman looks for.",
  examples: [
    ["orlop save -o app.tar app:dev", "to a file"],
    ["orlop save app:dev | docker load", "to docker"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [
      { name: "output", short: "o", value: "FILE", help: "The archive (standard output)" },
      { name: "format", value: FORMATS.join("|"), help: "What it is for (docker-archive)" },
      {
        name: "platform",
        value: "OS/ARCH[/VARIANT]",
        emptyIsNone: true,
        help: "Of images for several platforms, save this one",
      },
      { name: "quiet", short: "q", help: "Show no progress" },
      { name: "multi-image-archive", short: "m", help: "Each word is an image, as it always is" },
    ],
    refused: [
      { name: "compress", isSwitch: true, reason: "layers are saved as they are, so that digests stay" },
      { name: "uncompressed", isSwitch: true, reason: "layers are saved as they are, so that digests stay" },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length === 0) throw new OrlopError("invalid", "an image is required");
    const output = flags.text("output");
    if (output === undefined && caller().isTerminal(1)) {
      throw new OrlopError("invalid", "cowardly refusing to save to a terminal; use -o, or redirect it");
    }
    const format = flags.text("format") ?? "docker-archive";
    if (!FORMATS.some((known) => known === format)) {
      throw new OrlopError("invalid", `Cannot use format "${format}": there are ${FORMATS.join(" and ")}`);
    }
    const asked = flags.parse("platform", parsePlatform);
    const platform = asked ?? ownPlatform();
    using _collecting = collectInOneGo();
    await using depot = openDepot();
    const found = await Promise.all(flags.positional.map((text) => findImage(depot, text)));
    await using kept = new AsyncDisposableStack();
    for (const { record } of found) kept.use(await keepImage(depot, record, "save"));
    using cancel = new CancelOnSignals();
    // The archive says itself what went wrong with it.
    if (output === undefined) ignoreErrorEvents(caller().stdout);
    await using sink = await createImageArchive(output ?? caller().stdout, {
      docker: format === "docker-archive",
      platform,
    });
    for (const { record } of found) {
      using progress = showProgress({ quiet: flags.isOn("quiet") || output === undefined, movement: "saving" });
      const isPart = asked !== undefined || !(await isWhole(depot.content, record.target));
      await copyImage(new StoreSource(depot.content, [record]), sink, record, {
        ...(isPart ? { platform } : {}),
        ...nameInArchive(record.name),
        signal: cancel.signal,
        onEvent: (event) => progress.onEvent(event),
      });
    }
    await sink.finish();
    for (const { image, record } of found) tellImage(depot.database, "save", image.id, record.name);
    return 0;
  },
};

/** A digest stands for no name; one that only `orlop` has, of packages, is none that others could load it by. */
function nameInArchive(name: string): { readonly name?: string } {
  if (/^sha\d+:/.test(name)) return {};
  try {
    parseReference(name);
  } catch {
    printWarning(`the image has no name in the archive, as '${name}' is no name of a registry: orlop tag gives it one`);
    return {};
  }
  return { name };
}
