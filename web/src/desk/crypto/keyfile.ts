/* An account's key file: what it says, and opening it (src/app/account/account.c). Argon2id stretches the passphrase, and
 * XChaCha20-Poly1305 opens the secret, from which both pairs come. */
import { secretboxXChaChaOpen, type Sodium } from "./sodium";

export interface KeyFile {
  readonly name: string;
  readonly operations: number;
  readonly memory: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

export interface OpenKey {
  readonly name: string;
  readonly sign: Uint8Array; /* Ed25519, public */
  readonly signSecret: Uint8Array;
  readonly box: Uint8Array; /* X25519, public */
  readonly boxSecret: Uint8Array;
}

export class WrongPassphrase extends Error {}

const HEADING = "ebb-account-key v1";
const OPERATIONS_MAX = 16;
const MEMORY_MIN = 8192;
const MEMORY_MAX = 2 ** 31;
const KDF_CONTEXT = "ebb-acct";
export const KEY_FILE_MAX = 4096;

function hex(text: string | undefined, n: number): Uint8Array | null {
  if (text === undefined || text.length !== 2 * n || !/^[0-9a-f]*$/i.test(text)) return null;
  return Uint8Array.from({ length: n }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/* null: not a key file. */
export function parseKeyFile(text: string): KeyFile | null {
  if (text.length > KEY_FILE_MAX) return null;
  const lines = text.split(/\r?\n/);
  const value = (at: number, word: string): string | undefined => {
    const line = lines[at];
    return line?.startsWith(`${word} `) ? line.slice(word.length + 1) : undefined;
  };
  const number = (word: string, at: number): number => (/^\d{1,15}$/.test(value(at, word) ?? "") ? Number(value(at, word)) : 0);
  const name = value(1, "name");
  const operations = number("operations", 2);
  const memory = number("memory", 3);
  const salt = hex(value(4, "salt"), 16);
  const nonce = hex(value(5, "nonce"), 24);
  const box = hex(value(6, "secret"), 48);
  if (lines[0] !== HEADING || name === undefined || !/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name) || !salt || !nonce || !box) return null;
  if (operations < 1 || operations > OPERATIONS_MAX || memory < MEMORY_MIN || memory > MEMORY_MAX) return null;
  return { name, operations, memory, salt, nonce, box };
}

/* The secret of 32 bytes. Slow and large by design: the worker's to call. */
export function openSeed(s: Sodium, file: KeyFile, passphrase: Uint8Array): Uint8Array {
  const key = s.crypto_pwhash(32, passphrase, file.salt, file.operations, file.memory, s.crypto_pwhash_ALG_ARGON2ID13);
  try {
    return secretboxXChaChaOpen(s, file.box, file.nonce, key);
  } catch {
    throw new WrongPassphrase();
  } finally {
    s.memzero(key);
  }
}

export function deriveKeys(s: Sodium, name: string, seed: Uint8Array): OpenKey {
  const forBox = s.crypto_kdf_derive_from_key(32, 1, KDF_CONTEXT, seed);
  const forSign = s.crypto_kdf_derive_from_key(32, 2, KDF_CONTEXT, seed);
  const box = s.crypto_box_seed_keypair(forBox);
  const sign = s.crypto_sign_seed_keypair(forSign);
  s.memzero(forBox);
  s.memzero(forSign);
  return { name, sign: sign.publicKey, signSecret: sign.privateKey, box: box.publicKey, boxSecret: box.privateKey };
}

export function wipeKey(s: Sodium, key: OpenKey): void {
  s.memzero(key.signSecret);
  s.memzero(key.boxSecret);
}
