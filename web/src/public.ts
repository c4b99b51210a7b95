/* What a public page gains by scripts; it needs none. */
export {};
