import type { CommandEntry, CommandGroup, LazyCommand } from "./command-entry.ts";

const RUN: LazyCommand = {
  summary: "Run a program in a new container",
  load: async () => (await import("../run/run-command.ts")).runCommand,
};

const COMMIT: LazyCommand = {
  summary: "Make an image of a container",
  load: async () => (await import("../commit/commit-command.ts")).commitCommand,
};

const DIFF: LazyCommand = {
  summary: "List what a container has written",
  load: async () => (await import("../commit/diff-command.ts")).diffCommand,
};

export const PS: LazyCommand = {
  summary: "List containers",
  load: async () => (await import("../containers/ps-command.ts")).psCommand,
};

export const REMOVE: LazyCommand = {
  summary: "Remove containers",
  load: async () => (await import("../containers/stop-commands.ts")).removeCommand,
};

/** Verbs for containers, which the group `container` has as well. */
export const CONTAINER_COMMANDS: readonly CommandEntry[] = [
  { name: "run", ...RUN },
  {
    name: "create",
    summary: "Make a container that runs later",
    load: async () => (await import("../containers/create-command.ts")).createCommand,
  },
  {
    name: "start",
    summary: "Run containers that do not run",
    load: async () => (await import("../containers/start-command.ts")).startCommand,
  },
  {
    name: "stop",
    summary: "End containers",
    load: async () => (await import("../containers/stop-commands.ts")).stopCommand,
  },
  {
    name: "restart",
    summary: "End containers and run them again",
    load: async () => (await import("../containers/stop-commands.ts")).restartCommand,
  },
  {
    name: "kill",
    summary: "Send a signal to containers",
    load: async () => (await import("../containers/stop-commands.ts")).killCommand,
  },
  {
    name: "exec",
    summary: "Run one more program in a container",
    load: async () => (await import("../containers/exec-command.ts")).execCommand,
  },
  {
    name: "attach",
    summary: "Connect with a container that runs",
    load: async () => (await import("../containers/attach-command.ts")).attachCommand,
  },
  {
    name: "logs",
    summary: "Print what a container has put out",
    load: async () => (await import("../containers/logs-command.ts")).logsCommand,
  },
  {
    name: "wait",
    summary: "Wait for the end of containers",
    load: async () => (await import("../containers/wait-command.ts")).waitCommand,
  },
  {
    name: "pause",
    summary: "Have containers stand still",
    load: async () => (await import("../containers/simple-commands.ts")).pauseCommand,
  },
  {
    name: "unpause",
    summary: "Have containers go on",
    load: async () => (await import("../containers/simple-commands.ts")).unpauseCommand,
  },
  {
    name: "port",
    summary: "Print the published ports of a container",
    load: async () => (await import("../containers/port-command.ts")).portCommand,
  },
  {
    name: "rename",
    summary: "Give a container another name",
    load: async () => (await import("../containers/simple-commands.ts")).renameCommand,
  },
  {
    name: "cp",
    summary: "Copy files between a container and this machine",
    load: async () => (await import("../cp/cp-command.ts")).cpCommand,
  },
  {
    name: "export",
    summary: "Write the files of a container to an archive",
    load: async () => (await import("../cp/export-command.ts")).exportCommand,
  },
  {
    name: "update",
    summary: "Change limits of containers",
    load: async () => (await import("../containers/update-command.ts")).updateCommand,
  },
  {
    name: "top",
    summary: "List the processes of a container",
    load: async () => (await import("../top/top-command.ts")).topCommand,
  },
  {
    name: "stats",
    summary: "Show what containers take of the machine",
    load: async () => (await import("../stats/stats-command.ts")).statsCommand,
  },
  { name: "commit", ...COMMIT },
  { name: "diff", ...DIFF },
];

/** docker's words for the same. */
export const CHECKPOINT_COMMANDS: readonly CommandEntry[] = [
  {
    name: "create",
    summary: "Save what runs in a container",
    load: async () => (await import("../checkpoint/named-checkpoint-commands.ts")).checkpointCreateCommand,
  },
  {
    name: "ls",
    summary: "List the checkpoints of a container",
    load: async () => (await import("../checkpoint/named-checkpoint-commands.ts")).checkpointListCommand,
  },
  {
    name: "rm",
    summary: "Remove a checkpoint of a container",
    load: async () => (await import("../checkpoint/named-checkpoint-commands.ts")).checkpointRemoveCommand,
  },
];

export const CONTAINER_GROUP: CommandGroup = {
  name: "container",
  summary: "What can be done with containers",
  commands: [
    ...CONTAINER_COMMANDS,
    {
      name: "checkpoint",
      summary: "Save what runs in containers",
      load: async () => (await import("../checkpoint/checkpoint-command.ts")).containerCheckpointCommand,
    },
    {
      name: "restore",
      summary: "Have containers go on where a checkpoint has left off",
      load: async () => (await import("../checkpoint/restore-command.ts")).containerRestoreCommand,
    },
    {
      name: "inspect",
      summary: "Tell all about containers",
      load: async () => (await import("../inspect/inspect-command.ts")).containerInspectCommand,
    },
    {
      name: "prune",
      summary: "Remove containers that do not run",
      load: async () => (await import("../gc/container-prune-command.ts")).containerPruneCommand,
    },
    {
      name: "exists",
      summary: "Tell by the exit code whether there is such a container",
      load: async () => (await import("./exists-commands.ts")).containerExistsCommand,
    },
    { name: "ls", aliases: ["list", "ps"], ...PS },
    { name: "rm", aliases: ["remove"], ...REMOVE },
  ],
};
