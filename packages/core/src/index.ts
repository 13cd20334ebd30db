export { type ErrorCode, OrlopError, type OrlopErrorOptions } from "./errors.ts";
