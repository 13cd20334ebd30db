/** Takes what the user should know although everything goes on. */
export type Warn = (text: string) => void;

/** For a process whose users all read its warnings. */
export const warnByProcess: Warn = (text) => process.emitWarning(text, { code: "ORLOP_RUNTIME" });
