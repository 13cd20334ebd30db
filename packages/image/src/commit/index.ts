export type { CommitSource } from "./commit-source.ts";
export { type CommitOptions, openCommit } from "./open-commit.ts";
