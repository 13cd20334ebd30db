/** How much longer than on a usual machine everything takes where these tests run, as under emulation. */
const factor = Number(process.env.ORLOP_TEST_TIME_FACTOR ?? 1);

/** A limit of time that is only there to end what hangs, for this machine. */
export function patience(milliseconds: number): number {
  return milliseconds * factor;
}
