import type { Image } from "../image/image.ts";
import { mergeEnvironment } from "./environment.ts";
import type { RunOptions } from "./run-options.ts";

/** The image's config with what was asked for instead: what an image of this container starts with. */
export function containerConfig(
  options: Pick<RunOptions, "command" | "entrypoint" | "variables" | "user" | "workdir" | "health">,
  { Entrypoint, Cmd, Env, User, WorkingDir, Healthcheck, Shell }: Image["config"],
): Image["config"] {
  const { command, entrypoint, variables, user = User, workdir = WorkingDir } = options;
  const words = entrypoint === undefined ? Entrypoint : entrypoint === "" ? undefined : [entrypoint];
  const asked = command.length > 0 ? command : undefined;
  const args = entrypoint === undefined ? (asked ?? Cmd) : asked;
  const env = variables.length === 0 ? Env : mergeEnvironment(Env ?? [], variables);
  const health = options.health === undefined ? Healthcheck : { ...Healthcheck, ...options.health };
  return {
    ...(user === undefined ? {} : { User: user }),
    ...(env === undefined ? {} : { Env: env }),
    ...(words === undefined ? {} : { Entrypoint: words }),
    ...(args === undefined ? {} : { Cmd: args }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(Shell === undefined ? {} : { Shell }),
  };
}
