export { decodePolicy } from "./decode-policy.ts";
export { decodeRegistriesD, type SignaturePlaces } from "./decode-registries-d.ts";
export type { ImageToVerify, ImageVerifier } from "./image-verifier.ts";
export { type Lookaside, lookasideAt } from "./lookaside.ts";
export type { ImageOrigin, Policy } from "./policy.ts";
export { type PolicyVerifierOptions, policyVerifier } from "./policy-verifier.ts";
export { type ProgramVerifierOptions, programVerifier, VERIFIER_DIRECTORY } from "./program-verifier.ts";
