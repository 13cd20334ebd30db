import { writeFileSync } from "node:fs";
import { familiarReference, OrlopError, parseReference } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { openEngine } from "../containers/open-engine.ts";
import { newName } from "../images/image-name.ts";
import { tellImage } from "../images/tell-image.ts";
import { printText, printWarning } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { commitContainer } from "./commit-container.ts";
import { whilePaused } from "./while-paused.ts";
import { writtenSnapshot } from "./written-snapshot.ts";

export const commitCommand: Command = {
  name: "commit",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  description:
    "Makes an image of a container: that of its own image with what the container has written as a layer on top. It " +
    "starts as the container did. What lies in volumes and other mounts is no part of it.\n\n" +
    "CONTAINER is a name or the beginning of an id. Its processes, where it runs, stand still while its files are read. The same files " +
    "always make the same layer.",
  examples: [
    ["orlop commit box app:dev", "an image of what box is now"],
    ["orlop commit -c 'CMD [\"app\"]' -c 'ENV MODE=test' box app:test", "one that starts otherwise"],
  ],
  table: {
    flags: [
      { name: "author", short: "a", value: "TEXT", help: 'Who made it: "Ada <ada@example.org>"' },
      { name: "message", short: "m", value: "TEXT", help: "What was done, for its history" },
      {
        name: "change",
        short: "c",
        value: "INSTRUCTION",
        help:
          "A line of a Dockerfile to apply: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or " +
          "WORKDIR; can be given several times",
      },
      { name: "quiet", short: "q", help: "Show no progress, of which there is none anyway" },
      { name: "iidfile", value: "FILE", help: "Write the image's id to a file" },
      { name: "pause", short: "p", help: "Pause the container meanwhile, unless --pause=false" },
    ],
    refused: [
      { name: "no-pause", isSwitch: true, reason: "it is --pause=false" },
      { name: "format", short: "f", reason: "images are OCI's; push or save them for who wants docker's" },
      {
        name: "include-volumes",
        isSwitch: true,
        reason: "what is in volumes is no part of an image; say -c VOLUME=/PATH",
      },
      { name: "squash", short: "s", isSwitch: true, reason: "try orlop export box | orlop import -" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const [text, target, ...others] = flags.positional;
    if (text === undefined || others.length > 0) {
      throw new OrlopError(
        "invalid",
        `a container and at most a name are taken, and there are ${flags.positional.length}`,
      );
    }
    const name = target === undefined ? undefined : newName(target);
    await using open = openEngine();
    const { depot, stateDirectory } = open;
    const container = await open.engine.find(text);
    const { store, snapshotter, key, manifest } = writtenSnapshot("commit", text, container);
    if (depot.root !== store) {
      const what = `its image is in "${store}", and images are in "${depot.root}" now`;
      throw new OrlopError("unsupported", `Cannot commit container "${text}": ${what}\nTry ORLOP_ROOT=${store}.`);
    }
    using cancel = new CancelOnSignals();
    const isPaused = !flags.has("pause") || flags.isOn("pause");
    const pausing = {
      stateDirectory,
      ...(flags.has("pause") ? {} : { onFailure: (error: OrlopError) => printWarning(`not paused: ${error.message}`) }),
    };
    const id = await commitContainer(depot, {
      container,
      snapshotter,
      snapshot: key,
      base: manifest,
      name,
      author: flags.text("author"),
      message: flags.text("message"),
      changes: flags.list("change"),
      nowMs: Date.now(),
      signal: cancel.signal,
      quietly: (work) => (isPaused ? whilePaused(container, pausing, work) : work()),
    });
    if (name !== undefined) tellImage(depot.database, "tag", id, name);
    const reference = name === undefined ? {} : { imageRef: familiarReference(parseReference(name)) };
    open.engine.tell(container, "commit", { comment: flags.text("message") ?? "", imageID: id, ...reference });
    const idFile = flags.text("iidfile");
    if (idFile !== undefined) writeFileSync(caller().path(idFile), id);
    printText(`${id}\n`);
    return 0;
  },
};
