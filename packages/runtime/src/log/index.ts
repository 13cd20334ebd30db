export { formatCri, formatJsonFile } from "./format-log.ts";
export { LINE_MAX_BYTES, type LogEntry } from "./log-entry.ts";
export { LOG_FILES_MAX, LOG_SIZE_MIN_BYTES } from "./log-layout.ts";
export { type ReadLogOptions, readLog } from "./read-log.ts";
export { type LogPump, type LogPumpOptions, startLogPump } from "./start-log-pump.ts";
