/** The way out for an ordinary user, where a snapshotter is root's. */
export const TRY_FOR_ORDINARY_USERS = "Try overlay or native.";
