import type { CommandEntry, CommandGroup, LazyCommand } from "./verbs/command-entry.ts";
import { CHECKPOINT_COMMANDS, CONTAINER_COMMANDS, CONTAINER_GROUP, PS, REMOVE } from "./verbs/container-verbs.ts";
import { HISTORY, IMAGE_GROUP, IMAGES, IMPORT, LOAD, PULL, PUSH, RMI, SAVE, TAG } from "./verbs/image-verbs.ts";
import { CAPTURE_GROUP, NETWORK_GROUP, POD_GROUP, VOLUME_GROUP } from "./verbs/resource-verbs.ts";

const INSPECT: LazyCommand = {
  summary: "Tell all about containers and images",
  load: async () => (await import("./inspect/inspect-command.ts")).inspectCommand,
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

export const COMMANDS: readonly CommandEntry[] = [
  ...CONTAINER_COMMANDS,
  {
    name: "try",
    summary: "Run a command with what it writes to this machine's files captured",
    load: async () => (await import("./try/try-command.ts")).tryCommand,
  },
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
    name: "quadlet",
    summary: "Write services of systemd's for podman's unit files",
    load: async () => (await import("./quadlet/quadlet-command.ts")).quadletCommand,
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
  {
    name: "_finish",
    summary: "Remove the container of a call that a daemon has left",
    load: async () => (await import("./daemon/broken-command.ts")).finishCommand,
  },
];

export const GROUPS: readonly CommandGroup[] = [
  CAPTURE_GROUP,
  CONTAINER_GROUP,
  {
    name: "checkpoint",
    summary: "What can be done with checkpoints of containers",
    commands: CHECKPOINT_COMMANDS,
  },
  {
    name: "generate",
    summary: "What can be written for other programs",
    commands: [
      { name: "kube", ...GENERATE_KUBE },
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
  IMAGE_GROUP,
  NETWORK_GROUP,
  POD_GROUP,
  {
    name: "play",
    summary: "Make what documents say",
    commands: [{ name: "kube", ...PLAY_KUBE }],
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
  VOLUME_GROUP,
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
        load: async () => (await import("./check/system-check-command.ts")).systemCheckCommand,
      },
      {
        name: "prune",
        summary: "Remove all that is not in use",
        load: async () => (await import("./gc/system-prune-command.ts")).systemPruneCommand,
      },
    ],
  },
];
