import type { LinuxDeviceCgroup } from "@orlop/core";
import type { DeviceRequest } from "./device-policy.ts";

/** A small world of devices, so that random rules meet often. */
const NUMBERS = [1, 2, 3];
const ACCESSES = ["r", "w", "m", "rw", "rm", "wm", "rwm", "rwm"];

/** The same rules for the same seed: up to seven over three major and minor numbers with wildcards. */
export function randomDeviceRules(seed: number): LinuxDeviceCgroup[] {
  const next = generator(seed);
  const rules: LinuxDeviceCgroup[] = [];
  for (let left = next(8); left > 0; left--) {
    const major = pick([undefined, ...NUMBERS], next);
    const minor = pick([undefined, ...NUMBERS], next);
    rules.push({
      allow: next(2) === 1,
      type: pick(["a", "b", "c", "c"] as const, next) ?? "a",
      access: pick(ACCESSES, next) ?? "r",
      ...(major === undefined ? {} : { major }),
      ...(minor === undefined ? {} : { minor }),
    });
  }
  return rules;
}

/** Every access to every device of that world, and to one device that no rule names. */
export function everyDeviceRequest(): DeviceRequest[] {
  const requests: DeviceRequest[] = [];
  for (const type of ["b", "c"] as const) {
    for (const major of [...NUMBERS, 9]) {
      for (const minor of [...NUMBERS, 9]) {
        for (let access = 1; access <= 7; access++) requests.push({ type, major, minor, access });
      }
    }
  }
  return requests;
}

function pick<T>(values: readonly T[], next: (below: number) => number): T | undefined {
  return values[next(values.length)];
}

/** xorshift32 */
function generator(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
