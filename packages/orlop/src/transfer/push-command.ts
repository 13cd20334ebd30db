import { writeFileSync } from "node:fs";
import {
  formatReference,
  type ImageRecord,
  OrlopError,
  type Platform,
  parsePlatform,
  parseReference,
} from "@orlop/core";
import { copyImage, isWhole, StoreSource } from "@orlop/image";
import { mountSources, RegistryClient } from "@orlop/image/registry";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { findImage } from "../images/find-image.ts";
import { keepImage } from "../images/keep-image.ts";
import { tellTransfer } from "../images/tell-image.ts";
import { printText } from "../print.ts";
import { showProgress } from "../progress/show-progress.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";
import { pushDestination } from "./push-destination.ts";
import { REGISTRY_FLAGS, registryOptions } from "./registry-flags.ts";
import { type ImageToPush, repositoryImages } from "./repository-images.ts";

const signed = "nothing is signed on the way; try cosign sign afterwards";

export const pushCommand: Command = {
  name: "push",
  usage: "[OPTIONS] IMAGE [DESTINATION]",
  description:
    "Copies an image of this machine to a registry, under its own name or under another one. What the registry has is not " +
    "sent again, and the digests stay.\n\n" +
    "Of an image for several platforms that is here for one only, that one is pushed.",
  examples: [
    ["orlop push registry.example/app:1.2", "under its own name"],
    ["orlop push app:dev registry.example/app:1.2", "under another one"],
    ["orlop push -a registry.example/app", "with all of its tags"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [
      {
        name: "platform",
        value: "OS/ARCH[/VARIANT]",
        emptyIsNone: true,
        help: "Of an image for several platforms push this one only",
      },
      { name: "all-tags", short: "a", help: "Push all tags of a repository that are here, with their images" },
      { name: "quiet", short: "q", help: "Show no progress" },
      { name: "digestfile", value: "FILE", help: "Write the digest of what was pushed to a file" },
      ...REGISTRY_FLAGS,
    ],
    refused: [
      { name: "disable-content-trust", isSwitch: true, reason: "nothing is signed on the way" },
      { name: "compress", isSwitch: true, reason: "layers are pushed as they are, so that digests stay" },
      { name: "compression-format", reason: "layers are pushed as they are, so that digests stay" },
      { name: "compression-level", reason: "layers are pushed as they are, so that digests stay" },
      { name: "force-compression", isSwitch: true, reason: "layers are pushed as they are, so that digests stay" },
      { name: "format", short: "f", reason: "manifests are pushed as they are, so that digests stay" },
      { name: "remove-signatures", isSwitch: true, reason: "signatures are no part of what is pushed" },
      { name: "sign-by", reason: signed },
      { name: "sign-by-sigstore", reason: signed },
      { name: "sign-by-sigstore-private-key", reason: signed },
      { name: "sign-passphrase-file", reason: signed },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    const [text, named = text, ...more] = flags.positional;
    if (text === undefined || named === undefined || more.length > 0) {
      throw new OrlopError("invalid", "an image is required, and at most a destination");
    }
    const destination = pushDestination(named);
    using _collecting = collectInOneGo();
    await using depot = openDepot();
    const images = flags.isOn("all-tags")
      ? await repositoryImages(depot, text, destination)
      : [{ reference: parseReference(destination), record: (await findImage(depot, text)).record }];
    const asked = flags.parse("platform", parsePlatform);
    using cancel = new CancelOnSignals();
    using client = new RegistryClient(registryOptions(flags));
    for (const image of images) {
      const options = { platform: asked, quiet: flags.isOn("quiet"), signal: cancel.signal };
      const pushed = await pushImage(depot, client, image, options);
      const file = flags.text("digestfile");
      if (file !== undefined) writeFileSync(caller().path(file), pushed.slice(pushed.lastIndexOf("@") + 1));
      printText(`${pushed}\n`);
    }
    return 0;
  },
};

interface PushOptions {
  readonly platform: Platform | undefined;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
}

/** Gives its name in the registry, with its digest. */
async function pushImage(
  depot: Depot,
  client: RegistryClient,
  { record, reference }: ImageToPush,
  { platform: asked, quiet, signal }: PushOptions,
): Promise<string> {
  await using _kept = await keepImage(depot, record, "push");
  const platform = await platformOf(depot, record, asked);
  using progress = showProgress({ quiet, movement: "uploading" });
  const mountFrom = await mountSources(depot.content, await depot.images.list(), reference);
  await using sink = client.sink(reference, { mountFrom });
  const target = await copyImage(new StoreSource(depot.content, [record]), sink, record, {
    ...(platform === undefined ? {} : { platform }),
    signal,
    onEvent: (event) => progress.onEvent(event),
  });
  await sink.finish();
  tellTransfer(depot.database, "push", formatReference(reference));
  return `${formatReference(reference)}@${target.digest}`;
}

/** Undefined for all there is. */
async function platformOf(
  depot: Depot,
  { target }: ImageRecord,
  asked: Platform | undefined,
): Promise<Platform | undefined> {
  if (asked !== undefined) return asked;
  return (await isWhole(depot.content, target)) ? undefined : ownPlatform();
}
