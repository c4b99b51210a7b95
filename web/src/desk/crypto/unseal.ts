/* Opening what informants and reviewers sealed (src/lead/seal.h). It is opened here, with the reviewer's own key; the server has
 * never had what opens it. Whatever was left out, moved, cut or added is found out. */
import { type Cbor, decodeCbor } from "./cbor";
import type { OpenKey } from "./keyfile";
import type { Sodium } from "./sodium";

const HEADING = "ebb sealed v1\n";
const MESSAGE = 64 * 1024;
const OVERHEAD = 17;
const PART_MAX = 127 * (MESSAGE + OVERHEAD);
const HEADER = 24;
const DIGEST = 32;
const LIST_HEAD = HEADING.length + 8 + HEADER + 4;
const LIST_MAX = 64 * 1024;
const SIZE_MIN = 16 * 1024;
const MANIFEST_MAX = (1 << 20) + (16 << 10) + 256 * (255 + 32) + 256;
const FILES_MAX = 256;
const KEY = 32;
/* What a page can hold; more is for `ebb lead read --files`. */
export const OPEN_MAX = 512 * 1024 * 1024;

export class Damaged extends Error {}
export class TooLarge extends Error {}
export class NotForKey extends Error {}

export interface Opened {
  readonly text: string;
  readonly contact: string;
  readonly language: string;
  readonly files: readonly { readonly name: string; readonly data: Blob }[];
}

interface List {
  readonly padded: number;
  readonly header: Uint8Array;
  readonly digests: readonly Uint8Array[];
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const ascii = (s: string): Uint8Array => new TextEncoder().encode(s);

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

export function parseList(list: Uint8Array): List {
  const heading = ascii(HEADING);
  if (list.length > LIST_MAX || list.length < LIST_HEAD || !heading.every((b, i) => list[i] === b)) throw new Damaged();
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  const padded = view.getBigUint64(HEADING.length);
  const parts = view.getUint32(HEADING.length + 8 + HEADER);
  if (padded > BigInt(Number.MAX_SAFE_INTEGER) || padded < BigInt(SIZE_MIN) || list.length !== LIST_HEAD + parts * DIGEST || parts === 0) throw new Damaged();
  const digests = Array.from({ length: parts }, (_, i) => list.subarray(LIST_HEAD + i * DIGEST, LIST_HEAD + (i + 1) * DIGEST));
  return { padded: Number(padded), header: list.subarray(HEADING.length + 8, HEADING.length + 8 + HEADER), digests };
}

/* Padme, as seal_padded() has it. */
export function padded(plain: number): number {
  if (plain <= SIZE_MIN) return SIZE_MIN;
  const exponent = Math.floor(Math.log2(plain));
  const bits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - bits);
  return Math.ceil(plain / step) * step;
}

/* The key of a list, from the wraps for this account: sealed boxes of the key and the list's digest. */
export async function unwrap(s: Sodium, wraps: readonly Uint8Array[], list: Uint8Array, key: OpenKey): Promise<Uint8Array> {
  const digest = await sha256(list);
  for (const wrap of wraps) {
    try {
      const inside = s.crypto_box_seal_open(wrap, key.box, key.boxSecret);
      if (inside.length === KEY + DIGEST && s.memcmp(inside.subarray(KEY), digest)) return inside.slice(0, KEY);
    } catch {
      /* another's, or of another key of ours */
    }
  }
  throw new NotForKey();
}

interface Manifest {
  readonly text: string;
  readonly contact: string;
  readonly language: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

function readManifest(bytes: Uint8Array): Manifest {
  const utf8 = new TextDecoder();
  const map = decodeCbor(bytes);
  if (!(map instanceof Map)) throw new Damaged();
  const get = (key: string): string => {
    const value: Cbor | undefined = (map as ReadonlyMap<string, Cbor>).get(key);
    if (!(value instanceof Uint8Array)) throw new Damaged();
    return utf8.decode(value);
  };
  const files = (map as ReadonlyMap<string, Cbor>).get("files");
  if (!Array.isArray(files) || files.length > FILES_MAX) throw new Damaged();
  return {
    text: get("text"),
    contact: get("contact"),
    language: get("language"),
    files: (files as readonly Cbor[]).map((f) => {
      const pair: readonly Cbor[] = Array.isArray(f) ? f : [];
      const [name, size] = pair;
      if (!(name instanceof Uint8Array) || typeof size !== "number") throw new Damaged();
      return { name: utf8.decode(name), size };
    }),
  };
}

/* The plain text's pieces, in order; whole and authentic when it ends without throwing. */
async function* plainText(s: Sodium, list: List, key: Uint8Array, part: (sha256: string) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  const state = s.crypto_secretstream_xchacha20poly1305_init_pull(list.header, key);
  let left = list.padded;
  for (const [i, digest] of list.digests.entries()) {
    const sealed = await part(hexOf(digest));
    if (sealed.length === 0 || sealed.length > PART_MAX || hexOf(await sha256(sealed)) !== hexOf(digest)) throw new Damaged();
    for (let at = 0; at < sealed.length; ) {
      const n = Math.min(left, MESSAGE);
      if (n === 0 || sealed.length - at < n + OVERHEAD) throw new Damaged();
      const got = s.crypto_secretstream_xchacha20poly1305_pull(state, sealed.subarray(at, at + n + OVERHEAD), null);
      if (!got) throw new Damaged();
      at += n + OVERHEAD;
      left -= n;
      const ends = left === 0 && at === sealed.length && i === list.digests.length - 1;
      if ((got.tag === s.crypto_secretstream_xchacha20poly1305_TAG_FINAL) !== (left === 0) || (left === 0) !== ends) throw new Damaged();
      yield got.message;
    }
  }
  if (left !== 0) throw new Damaged();
}

/* Bytes as they come, handed out in the sizes that are asked for. */
class Intake {
  private piece = new Uint8Array();
  constructor(private readonly source: AsyncGenerator<Uint8Array>) {}

  async some(most: number): Promise<Uint8Array> {
    if (this.piece.length === 0) {
      const next = await this.source.next();
      if (next.done) throw new Damaged();
      this.piece = next.value as Uint8Array<ArrayBuffer>;
    }
    const out = this.piece.subarray(0, most);
    this.piece = this.piece.subarray(out.length);
    return out;
  }

  async exactly(n: number): Promise<Uint8Array> {
    const out = new Uint8Array(n);
    for (let at = 0; at < n; ) {
      const some = await this.some(n - at);
      out.set(some, at);
      at += some.length;
    }
    return out;
  }

  /* What is left: nothing but zeros, to an end that is the end. */
  async zeros(): Promise<void> {
    if (this.piece.some((b) => b !== 0)) throw new Damaged();
    for await (const piece of this.source) if (piece.some((b) => b !== 0)) throw new Damaged();
  }
}

export async function unseal(s: Sodium, listBytes: Uint8Array, key: Uint8Array, part: (sha256: string) => Promise<Uint8Array>): Promise<Opened> {
  const list = parseList(listBytes);
  if (list.padded > OPEN_MAX) throw new TooLarge();
  const intake = new Intake(plainText(s, list, key, part));
  const size = new DataView((await intake.exactly(4)).buffer).getUint32(0);
  if (size > MANIFEST_MAX) throw new Damaged();
  const manifest = readManifest(await intake.exactly(size));
  const total = manifest.files.reduce((n, f) => n + f.size, 0);
  if (padded(4 + size + total) !== list.padded) throw new Damaged();
  const files: { name: string; data: Blob }[] = [];
  for (const file of manifest.files) {
    const pieces: BlobPart[] = [];
    for (let left = file.size; left > 0; ) {
      const some = await intake.some(left);
      pieces.push(some.slice() as Uint8Array<ArrayBuffer>);
      left -= some.length;
    }
    files.push({ name: file.name, data: new Blob(pieces, { type: "application/octet-stream" }) });
  }
  await intake.zeros();
  return { text: manifest.text, contact: manifest.contact, language: manifest.language, files };
}
