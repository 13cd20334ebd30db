/** What a runtime or a shim may need of our environment; the rest is nothing to it. */
const PASSED = ["PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/** The environment of programs of the host's that we run. */
export function hostEnvironment(): Readonly<Record<string, string>> {
  const given = PASSED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...Object.fromEntries(given) };
}

/** The same, as execve(2) wants it. */
export function environmentWords(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}
