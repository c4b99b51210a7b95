/* CBOR as ebb writes it (RFC 8949, deterministic; doc/format.md): definite lengths, no tags, no floats. Hostile bytes end in an
 * error, after little work. */

export type Cbor = number | bigint | string | boolean | null | Uint8Array | readonly Cbor[] | ReadonlyMap<string, Cbor>;

const DEPTH_MAX = 8;
const ITEMS_MAX = 100_000;

export class CborError extends Error {}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
  items: number;
}

const text = new TextDecoder("utf-8", { fatal: true });

function take(r: Reader, n: number): Uint8Array {
  if (n > r.bytes.length - r.at) throw new CborError("cut off");
  r.at += n;
  return r.bytes.subarray(r.at - n, r.at);
}

/* The head's type and argument; whole numbers beyond 2^53 as bigint. */
function head(r: Reader): { type: number; n: number | bigint; info: number } {
  const first = take(r, 1)[0] ?? 0;
  const info = first & 31;
  if (info < 24) return { type: first >> 5, n: info, info };
  if (info > 27) throw new CborError("not definite");
  let n = 0n;
  for (const byte of take(r, 1 << (info - 24))) n = (n << 8n) | BigInt(byte);
  return { type: first >> 5, n: n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n, info };
}

function length(n: number | bigint): number {
  if (typeof n === "bigint") throw new CborError("too long");
  return n;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return text.decode(bytes);
  } catch {
    throw new CborError("not UTF-8");
  }
}

function item(r: Reader, depth: number): Cbor {
  if (depth > DEPTH_MAX || ++r.items > ITEMS_MAX) throw new CborError("too deep or too many");
  const { type, n, info } = head(r);
  switch (type) {
    case 0:
      return n;
    case 1:
      return typeof n === "bigint" || n >= Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n;
    case 2:
      return take(r, length(n)).slice();
    case 3:
      return decodeText(take(r, length(n)));
    case 4:
      if (length(n) > r.bytes.length - r.at) throw new CborError("cut off");
      return Array.from({ length: length(n) }, () => item(r, depth + 1));
    case 5: {
      if (length(n) > r.bytes.length - r.at) throw new CborError("cut off");
      const map = new Map<string, Cbor>();
      for (let i = 0; i < length(n); i++) {
        const key = item(r, depth + 1);
        if (typeof key !== "string" || map.has(key)) throw new CborError("a key is no text, or there twice");
        map.set(key, item(r, depth + 1));
      }
      return map;
    }
    case 7:
      if (info === 20 || info === 21) return info === 21;
      if (info === 22) return null;
  }
  throw new CborError("a type that ebb does not write");
}

/* One item, and nothing behind it. */
export function decodeCbor(bytes: Uint8Array): Cbor {
  const r: Reader = { bytes, at: 0, items: 0 };
  const value = item(r, 0);
  if (r.at !== bytes.length) throw new CborError("more than one item");
  return value;
}
