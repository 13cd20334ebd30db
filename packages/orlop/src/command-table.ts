import type { Command } from "./command.ts";

/** What loads the code of a verb: starting fast means loading little. */
interface LazyCommand {
  readonly summary: string;
  load(): Promise<Command>;
}

/** A verb before its code is loaded. */
export interface CommandEntry extends LazyCommand {
  readonly name: string;
  /** Other words for it, which lists do not show. */
  readonly aliases?: readonly string[];
}

/** Verbs of two words, of which the first says what they are about. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandEntry[];
}

const IMAGES: LazyCommand = {
  summary: "List images",
  load: async () => (await import("./images/images-command.ts")).imagesCommand,
};

const RMI: LazyCommand = {
  summary: "Remove images",
  load: async () => (await import("./images/rmi-command.ts")).rmiCommand,
};

const TAG: LazyCommand = {
  summary: "Give an image another name",
  load: async () => (await import("./images/tag-command.ts")).tagCommand,
};

const INSPECT: LazyCommand = {
  summary: "Tell all about containers and images",
  load: async () => (await import("./inspect/inspect-command.ts")).inspectCommand,
};

const HISTORY: LazyCommand = {
  summary: "Show the steps that made an image",
  load: async () => (await import("./images/history-command.ts")).historyCommand,
};

const PULL: LazyCommand = {
  summary: "Bring images from a registry",
  load: async () => (await import("./transfer/pull-command.ts")).pullCommand,
};

const PUSH: LazyCommand = {
  summary: "Copy an image to a registry",
  load: async () => (await import("./transfer/push-command.ts")).pushCommand,
};

const SAVE: LazyCommand = {
  summary: "Write images to an archive",
  load: async () => (await import("./transfer/save-command.ts")).saveCommand,
};

const LOAD: LazyCommand = {
  summary: "Take in the images of an archive",
  load: async () => (await import("./transfer/load-command.ts")).loadCommand,
};

const IMPORT: LazyCommand = {
  summary: "Make an image of an archive of a root file system",
  load: async () => (await import("./transfer/import-command.ts")).importCommand,
};

const RUN: LazyCommand = {
  summary: "Run a program in a new container",
  load: async () => (await import("./run/run-command.ts")).runCommand,
};

const COMMIT: LazyCommand = {
  summary: "Make an image of a container",
  load: async () => (await import("./commit/commit-command.ts")).commitCommand,
};

const DIFF: LazyCommand = {
  summary: "List what a container has written",
  load: async () => (await import("./commit/diff-command.ts")).diffCommand,
};

const PS: LazyCommand = {
  summary: "List containers",
  load: async () => (await import("./containers/ps-command.ts")).psCommand,
};

const INFO: LazyCommand = {
  summary: "Tell what there is on this machine",
  load: async () => (await import("./info/info-command.ts")).infoCommand,
};

const EVENTS: LazyCommand = {
  summary: "Print what happens to containers",
  load: async () => (await import("./containers/events-command.ts")).eventsCommand,
};

const PLAY_KUBE: LazyCommand = {
  summary: "Make and start what documents of Kubernetes say",
  load: async () => (await import("./kube/play-kube-command.ts")).playKubeCommand,
};

const GENERATE_KUBE: LazyCommand = {
  summary: "Write pods, containers and volumes as documents of Kubernetes",
  load: async () => (await import("./kube/generate-kube-command.ts")).generateKubeCommand,
};

/** Verbs for containers, which the group `container` has as well. */
const CONTAINER_COMMANDS: readonly CommandEntry[] = [
  { name: "run", ...RUN },
  {
    name: "create",
    summary: "Make a container that runs later",
    load: async () => (await import("./containers/create-command.ts")).createCommand,
  },
  {
    name: "start",
    summary: "Run containers that do not run",
    load: async () => (await import("./containers/start-command.ts")).startCommand,
  },
  {
    name: "stop",
    summary: "End containers",
    load: async () => (await import("./containers/stop-commands.ts")).stopCommand,
  },
  {
    name: "restart",
    summary: "End containers and run them again",
    load: async () => (await import("./containers/stop-commands.ts")).restartCommand,
  },
  {
    name: "kill",
    summary: "Send a signal to containers",
    load: async () => (await import("./containers/stop-commands.ts")).killCommand,
  },
  {
    name: "exec",
    summary: "Run one more program in a container",
    load: async () => (await import("./containers/exec-command.ts")).execCommand,
  },
  {
    name: "attach",
    summary: "Connect with a container that runs",
    load: async () => (await import("./containers/attach-command.ts")).attachCommand,
  },
  {
    name: "logs",
    summary: "Print what a container has put out",
    load: async () => (await import("./containers/logs-command.ts")).logsCommand,
  },
  {
    name: "wait",
    summary: "Wait for the end of containers",
    load: async () => (await import("./containers/simple-commands.ts")).waitCommand,
  },
  {
    name: "pause",
    summary: "Have containers stand still",
    load: async () => (await import("./containers/simple-commands.ts")).pauseCommand,
  },
  {
    name: "unpause",
    summary: "Have containers go on",
    load: async () => (await import("./containers/simple-commands.ts")).unpauseCommand,
  },
  {
    name: "port",
    summary: "Print the published ports of a container",
    load: async () => (await import("./containers/port-command.ts")).portCommand,
  },
  {
    name: "rename",
    summary: "Give a container another name",
    load: async () => (await import("./containers/simple-commands.ts")).renameCommand,
  },
  {
    name: "cp",
    summary: "Copy files between a container and this machine",
    load: async () => (await import("./cp/cp-command.ts")).cpCommand,
  },
  {
    name: "export",
    summary: "Write the files of a container to an archive",
    load: async () => (await import("./cp/export-command.ts")).exportCommand,
  },
  {
    name: "update",
    summary: "Change limits of containers",
    load: async () => (await import("./containers/update-command.ts")).updateCommand,
  },
  {
    name: "top",
    summary: "List the processes of a container",
    load: async () => (await import("./top/top-command.ts")).topCommand,
  },
  {
    name: "stats",
    summary: "Show what containers take of the machine",
    load: async () => (await import("./stats/stats-command.ts")).statsCommand,
  },
  { name: "commit", ...COMMIT },
  { name: "diff", ...DIFF },
];

const REMOVE: LazyCommand = {
  summary: "Remove containers",
  load: async () => (await import("./containers/stop-commands.ts")).removeCommand,
};

export const COMMANDS: readonly CommandEntry[] = [
  ...CONTAINER_COMMANDS,
  { name: "ps", ...PS },
  { name: "events", ...EVENTS },
  { name: "rm", ...REMOVE },
  { name: "images", ...IMAGES },
  { name: "pull", ...PULL },
  { name: "push", ...PUSH },
  { name: "tag", ...TAG },
  { name: "rmi", ...RMI },
  {
    name: "login",
    summary: "Keep a password for a registry",
    load: async () => (await import("./transfer/login-command.ts")).loginCommand,
  },
  {
    name: "logout",
    summary: "Forget the password for a registry",
    load: async () => (await import("./transfer/logout-command.ts")).logoutCommand,
  },
  { name: "save", ...SAVE },
  { name: "load", ...LOAD },
  { name: "import", ...IMPORT },
  { name: "inspect", ...INSPECT },
  { name: "history", ...HISTORY },
  {
    name: "search",
    summary: "Say how images are found",
    load: async () => (await import("./images/search-command.ts")).searchCommand,
  },
  { name: "info", ...INFO },
  {
    name: "completion",
    summary: "Print a script for a shell, which completes commands, flags and names",
    load: async () => (await import("./completion/completion-command.ts")).completionCommand,
  },
  {
    name: "explain",
    summary: "Show the system calls that would make a container",
    load: async () => (await import("./explain/explain-command.ts")).explainCommand,
  },
  {
    name: "doctor",
    summary: "Tell what this machine lacks, why it matters, and what to do about it",
    load: async () => (await import("./doctor/doctor-command.ts")).doctorCommand,
  },
  {
    name: "version",
    summary: "Show the versions of orlop, Node.js and the kernel",
    load: async () => (await import("./version/version-command.ts")).versionCommand,
  },
];

/** What the command calls itself with; no list shows them. */
export const OWN_COMMANDS: readonly CommandEntry[] = [
  {
    name: "_attend",
    summary: "Look after containers",
    load: async () => (await import("./containers/attend-command.ts")).attendCommand,
  },
  {
    name: "_names",
    summary: "Answer names of networks",
    load: async () => (await import("./containers/names-command.ts")).namesCommand,
  },
  {
    name: "_complete",
    summary: "Complete a command line",
    load: async () => (await import("./completion/completion-command.ts")).completeCommand,
  },
  {
    name: "_broken",
    summary: "Finish a call that a daemon has left",
    load: async () => (await import("./daemon/broken-command.ts")).brokenCommand,
  },
];

export const GROUPS: readonly CommandGroup[] = [
  {
    name: "container",
    summary: "What can be done with containers",
    commands: [
      ...CONTAINER_COMMANDS,
      {
        name: "inspect",
        summary: "Tell all about containers",
        load: async () => (await import("./inspect/inspect-command.ts")).containerInspectCommand,
      },
      {
        name: "prune",
        summary: "Remove containers that do not run",
        load: async () => (await import("./gc/container-prune-command.ts")).containerPruneCommand,
      },
      { name: "ls", aliases: ["list", "ps"], ...PS },
      { name: "rm", aliases: ["remove"], ...REMOVE },
    ],
  },
  {
    name: "generate",
    summary: "What can be written for other programs",
    commands: [
      {
        name: "systemd",
        summary: "Write a unit of systemd's that runs a container",
        load: async () => (await import("./systemd-unit/systemd-command.ts")).generateSystemdCommand,
      },
    ],
  },
  {
    name: "healthcheck",
    summary: "What can be found out about the health of containers",
    commands: [
      {
        name: "run",
        summary: "Check the health of a container now",
        load: async () => (await import("./containers/healthcheck-command.ts")).healthcheckRunCommand,
      },
    ],
  },
  {
    name: "image",
    summary: "What can be done with images",
    commands: [
      { name: "ls", aliases: ["list"], ...IMAGES },
      { name: "rm", aliases: ["remove", "rmi"], ...RMI },
      { name: "tag", ...TAG },
      {
        name: "inspect",
        summary: "Tell all about images",
        load: async () => (await import("./images/inspect-command.ts")).imageInspectCommand,
      },
      { name: "history", ...HISTORY },
      { name: "pull", ...PULL },
      { name: "push", ...PUSH },
      { name: "save", ...SAVE },
      { name: "load", ...LOAD },
      { name: "import", ...IMPORT },
      {
        name: "prune",
        summary: "Remove images that are not in use",
        load: async () => (await import("./gc/image-prune-command.ts")).imagePruneCommand,
      },
    ],
  },
  {
    name: "network",
    summary: "What can be done with networks",
    commands: [
      {
        name: "create",
        summary: "Make a network",
        load: async () => (await import("./networks/network-commands.ts")).networkCreateCommand,
      },
      {
        name: "ls",
        aliases: ["list"],
        summary: "List networks",
        load: async () => (await import("./networks/network-list-commands.ts")).networkListCommand,
      },
      {
        name: "inspect",
        summary: "Tell all about networks",
        load: async () => (await import("./networks/network-list-commands.ts")).networkInspectCommand,
      },
      {
        name: "connect",
        summary: "Connect a container with one more network",
        load: async () => (await import("./networks/network-commands.ts")).networkConnectCommand,
      },
      {
        name: "disconnect",
        summary: "Take a container off a network",
        load: async () => (await import("./networks/network-commands.ts")).networkDisconnectCommand,
      },
      {
        name: "rm",
        aliases: ["remove"],
        summary: "Remove networks",
        load: async () => (await import("./networks/network-commands.ts")).networkRemoveCommand,
      },
      {
        name: "prune",
        summary: "Remove networks that no container is on",
        load: async () => (await import("./networks/network-list-commands.ts")).networkPruneCommand,
      },
    ],
  },
  {
    name: "pod",
    summary: "What can be done with pods",
    commands: [
      {
        name: "create",
        summary: "Make a pod, which containers can join",
        load: async () => (await import("./pods/pod-create-command.ts")).podCreateCommand,
      },
      {
        name: "ps",
        aliases: ["ls", "list"],
        summary: "List pods",
        load: async () => (await import("./pods/pod-ps-command.ts")).podListCommand,
      },
      {
        name: "inspect",
        summary: "Tell all about pods",
        load: async () => (await import("./pods/pod-inspect-command.ts")).podInspectCommand,
      },
      {
        name: "start",
        summary: "Run the containers of pods",
        load: async () => (await import("./pods/pod-life-commands.ts")).podStartCommand,
      },
      {
        name: "stop",
        summary: "End the containers of pods",
        load: async () => (await import("./pods/pod-life-commands.ts")).podStopCommand,
      },
      {
        name: "restart",
        summary: "End the containers of pods and run them again",
        load: async () => (await import("./pods/pod-life-commands.ts")).podRestartCommand,
      },
      {
        name: "kill",
        summary: "Send a signal to the containers of pods",
        load: async () => (await import("./pods/pod-life-commands.ts")).podKillCommand,
      },
      {
        name: "pause",
        summary: "Have the containers of pods stand still",
        load: async () => (await import("./pods/pod-life-commands.ts")).podPauseCommand,
      },
      {
        name: "unpause",
        summary: "Have the containers of pods go on",
        load: async () => (await import("./pods/pod-life-commands.ts")).podUnpauseCommand,
      },
      {
        name: "rm",
        aliases: ["remove"],
        summary: "Remove pods with their containers",
        load: async () => (await import("./pods/pod-life-commands.ts")).podRemoveCommand,
      },
      {
        name: "prune",
        summary: "Remove pods that have ended",
        load: async () => (await import("./pods/pod-life-commands.ts")).podPruneCommand,
      },
      {
        name: "exists",
        summary: "Tell whether there is a pod",
        load: async () => (await import("./pods/pod-life-commands.ts")).podExistsCommand,
      },
      {
        name: "logs",
        summary: "Print what the containers of a pod have put out",
        load: async () => (await import("./pods/pod-logs-command.ts")).podLogsCommand,
      },
      {
        name: "top",
        summary: "List the processes of a pod",
        load: async () => (await import("./pods/pod-top-command.ts")).podTopCommand,
      },
      {
        name: "stats",
        summary: "Show what the containers of pods take of the machine",
        load: async () => (await import("./pods/pod-stats-command.ts")).podStatsCommand,
      },
    ],
  },
  {
    name: "play",
    summary: "Make what documents say",
    commands: [{ name: "kube", ...PLAY_KUBE }],
  },
  {
    name: "generate",
    summary: "Write documents about what there is",
    commands: [{ name: "kube", ...GENERATE_KUBE }],
  },
  {
    name: "kube",
    summary: "What can be done with documents of Kubernetes",
    commands: [
      { name: "play", ...PLAY_KUBE },
      {
        name: "down",
        summary: "Remove the pods of documents of Kubernetes",
        load: async () => (await import("./kube/play-kube-command.ts")).kubeDownCommand,
      },
      { name: "generate", ...GENERATE_KUBE },
    ],
  },
  {
    name: "serve",
    summary: "What other programs can have of orlop",
    commands: [
      {
        name: "engine",
        summary: "Make other commands quick",
        load: async () => (await import("./serve/serve-engine-command.ts")).serveEngineCommand,
      },
      {
        name: "snapshotter",
        summary: "Make root file systems for containerd",
        load: async () => (await import("./serve/serve-snapshotter-command.ts")).serveSnapshotterCommand,
      },
    ],
  },
  {
    name: "volume",
    summary: "What can be done with volumes",
    commands: [
      {
        name: "create",
        summary: "Make a volume",
        load: async () => (await import("./volumes/volume-commands.ts")).volumeCreateCommand,
      },
      {
        name: "ls",
        aliases: ["list"],
        summary: "List volumes",
        load: async () => (await import("./volumes/volume-commands.ts")).volumeListCommand,
      },
      {
        name: "inspect",
        summary: "Tell all about volumes",
        load: async () => (await import("./volumes/volume-commands.ts")).volumeInspectCommand,
      },
      {
        name: "rm",
        aliases: ["remove"],
        summary: "Remove volumes",
        load: async () => (await import("./volumes/volume-commands.ts")).volumeRemoveCommand,
      },
      {
        name: "prune",
        summary: "Remove volumes that no container uses",
        load: async () => (await import("./volumes/volume-commands.ts")).volumePruneCommand,
      },
    ],
  },
  {
    name: "system",
    summary: "What can be done with all that is on the disk",
    commands: [
      { name: "events", ...EVENTS },
      { name: "info", ...INFO },
      {
        name: "df",
        summary: "Show what takes how much of the disk",
        load: async () => (await import("./gc/system-df-command.ts")).systemDfCommand,
      },
      {
        name: "check",
        summary: "Tell which layers are damaged",
        load: async () => (await import("./gc/system-check-command.ts")).systemCheckCommand,
      },
      {
        name: "prune",
        summary: "Remove all that is not in use",
        load: async () => (await import("./gc/system-prune-command.ts")).systemPruneCommand,
      },
    ],
  },
];
