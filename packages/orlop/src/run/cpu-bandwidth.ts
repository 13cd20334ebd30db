/** That of the kernel, and of docker's `--cpus`. */
export const CPU_PERIOD_MICROSECONDS = 100_000;

/** So many CPUs' worth of time, as a period and a quota in microseconds. */
export function cpuBandwidth(cpus: number): { readonly period: number; readonly quota: number } {
  return { period: CPU_PERIOD_MICROSECONDS, quota: Math.round(cpus * CPU_PERIOD_MICROSECONDS) };
}
