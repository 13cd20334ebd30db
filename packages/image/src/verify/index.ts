export { decodePolicy } from "./decode-policy.ts";
export type { ImageToVerify, ImageVerifier } from "./image-verifier.ts";
export type { ImageOrigin, Policy } from "./policy.ts";
export { policyVerifier } from "./policy-verifier.ts";
export { type ProgramVerifierOptions, programVerifier, VERIFIER_DIRECTORY } from "./program-verifier.ts";
