/* libsodium in WebAssembly: a chunk of its own, which comes when a key is opened. */

declare module "libsodium-wrappers-sumo" {
  /* The module below the wrappers, for the one function that they have not. */
  export const libsodium: {
    _malloc(n: number): number;
    _free(at: number): void;
    HEAPU8: Uint8Array;
    _crypto_secretbox_xchacha20poly1305_open_easy(m: number, c: number, lengthLow: number, lengthHigh: number, nonce: number, key: number): number;
  };
}

export type Sodium = typeof import("libsodium-wrappers-sumo");

let loading: Promise<Sodium> | null = null;

export function sodium(): Promise<Sodium> {
  loading ??= import("libsodium-wrappers-sumo").then(async (s) => {
    await s.ready; // which puts the functions into the default export
    return { ...s.default, libsodium: s.libsodium } as unknown as Sodium;
  });
  return loading;
}

/* Throws when it is not authentic. */
export function secretboxXChaChaOpen(s: Sodium, box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const raw = s.libsodium;
  const size = box.length - s.crypto_secretbox_MACBYTES;
  const parts: readonly Uint8Array[] = [box, nonce, key];
  const total = size + parts.reduce((n, p) => n + p.length, 0);
  const at = raw._malloc(total);
  try {
    const places: number[] = [];
    let next = at + size;
    for (const part of parts) {
      raw.HEAPU8.set(part, next);
      places.push(next);
      next += part.length;
    }
    const [c = 0, n = 0, k = 0] = places;
    if (raw._crypto_secretbox_xchacha20poly1305_open_easy(at, c, box.length, 0, n, k) !== 0) throw new Error("not authentic");
    return raw.HEAPU8.slice(at, at + size);
  } finally {
    raw.HEAPU8.fill(0, at, at + total);
    raw._free(at);
  }
}
