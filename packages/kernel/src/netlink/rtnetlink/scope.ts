import type { Choice } from "../choices.ts";

// table: enum rt_scope_t, linux/rtnetlink.h
export const scopes = {
  RT_SCOPE_UNIVERSE: 0,
  RT_SCOPE_SITE: 200,
  RT_SCOPE_LINK: 253,
  RT_SCOPE_HOST: 254,
  RT_SCOPE_NOWHERE: 255,
} as const;

/** How far an address or a destination means something. */
export type Scope = Choice<typeof scopes>;
