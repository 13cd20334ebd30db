import { OrlopError } from "@orlop/core";

/** What `--security-opt` asks for. */
export interface SecurityOptions {
  /** A profile's file; `builtin` is the default profile. */
  readonly seccomp: "builtin" | "unconfined" | { readonly path: string };
  readonly noNewPrivileges: boolean;
  /** Absent: the caller's own. */
  readonly apparmorProfile?: string;
  /** Neither masked nor read-only paths. */
  readonly systemPathsUnconfined: boolean;
}

/** The security modules of this kernel. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/**
 * Reads the values of `--security-opt`, `KEY=VALUE` or docker's older `KEY:VALUE`.
 *
 * @throws OrlopError
 */
export function parseSecurityOptions(texts: readonly string[], modules: SecurityModules): SecurityOptions {
  let options: SecurityOptions = { seccomp: "builtin", noNewPrivileges: false, systemPathsUnconfined: false };
  for (const text of texts) options = { ...options, ...parseOption(text, modules) };
  return options;
}

function parseOption(text: string, modules: SecurityModules): Partial<SecurityOptions> {
  const [, key = "", value] = /^([^=:]*)(?:[=:](.*))?$/s.exec(text) ?? [];
  switch (key) {
    case "no-new-privileges":
      return { noNewPrivileges: truth(value ?? "true", text) };
    case "seccomp":
      if (value === undefined || value === "") throw invalid(text);
      return { seccomp: value === "builtin" || value === "unconfined" ? value : { path: value } };
    case "apparmor":
      return apparmor(value, text, modules);
    case "systempaths":
      if (value !== "unconfined") throw invalid(text);
      return { systemPathsUnconfined: true };
    case "label":
      return label(value, text, modules);
    default:
      throw invalid(text);
  }
}

function apparmor(value: string | undefined, text: string, modules: SecurityModules): Partial<SecurityOptions> {
  if (value === undefined || value === "") throw invalid(text);
  if (modules.apparmor) return { apparmorProfile: value };
  // Without AppArmor everything is unconfined already.
  if (value === "unconfined") return {};
  throw unsupported(text, "this kernel has no AppArmor");
}

function label(value: string | undefined, text: string, modules: SecurityModules): Partial<SecurityOptions> {
  if (value === undefined || value === "") throw invalid(text);
  // No label is given to anything, which is what label=disable asks for.
  if (value === "disable") return {};
  throw unsupported(text, modules.selinux ? "SELinux labels are not given yet" : "this kernel has no SELinux");
}

function truth(value: string, text: string): boolean {
  if (value === "true") return true;
  if (value === "false") return false;
  throw invalid(text);
}

function invalid(text: string): OrlopError {
  return new OrlopError("invalid", `invalid --security-opt: ${JSON.stringify(text)}`);
}

function unsupported(text: string, what: string): OrlopError {
  return new OrlopError("unsupported", `Cannot use security option "${text}": ${what}`);
}
