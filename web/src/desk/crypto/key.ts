/* The opened key, as the page knows it: its public half, and a vault (vault.worker.ts) that signs and opens with the rest. It is
 * never sent, and wiped when nobody has touched the page for a while. The key file, which is encrypted under its passphrase, may
 * be kept by the browser when its person wants that. */
import { store } from "../lib/store";
import type { KeyFile } from "./keyfile";
import type { Opened } from "./unseal";
import { type PublicKey, type VaultAnswer, type VaultAsk, VaultError } from "./vault";

const IDLE_MS = 10 * 60 * 1000;
const WIPE_MS = 1000;

export const openKey = store<PublicKey | null>(null);

/* ---- vaults ---- */

class Vault {
  private readonly worker = new Worker(new URL("./vault.worker.ts", import.meta.url), { type: "module", name: "vault" });
  private readonly waiting = new Map<number, { done: (value: unknown) => void; fail: (error: Error) => void }>();
  private last = 0;

  constructor() {
    this.worker.onmessage = (event: MessageEvent<VaultAnswer>): void => {
      const { id, value, wrong, text } = event.data;
      const asker = this.waiting.get(id);
      this.waiting.delete(id);
      if (wrong) asker?.fail(new VaultError(wrong, text ?? ""));
      else asker?.done(value);
    };
    this.worker.onerror = (): void => this.failAll();
  }

  /* The answer's type is the one that vault.ts names beside the question. */
  ask<T>(ask: VaultAsk): Promise<T> {
    const id = ++this.last;
    return new Promise<T>((done, fail) => {
      this.waiting.set(id, { done: (value) => done(value as T), fail });
      this.worker.postMessage({ id, ask });
    });
  }

  end(): void {
    this.worker.terminate();
    this.failAll();
  }

  private failAll(): void {
    for (const { fail } of this.waiting.values()) fail(new VaultError("other", ""));
    this.waiting.clear();
  }
}

let vault: Vault | null = null;

function opened(): Vault {
  if (!vault) throw new VaultError("other", "no key is open");
  return vault;
}

export const signBytes = (bytes: readonly Uint8Array[]): Promise<readonly Uint8Array[]> => opened().ask({ op: "sign", bytes });
export const openSealed = (list: Uint8Array, wraps: readonly Uint8Array[]): Promise<Opened> => opened().ask({ op: "unseal", list, wraps });

/* ---- opening and forgetting ---- */

let idle = 0;
function touched(): void {
  clearTimeout(idle);
  idle = window.setTimeout(() => void forgetKey(), IDLE_MS);
}
const TOUCHES = ["pointerdown", "keydown"] as const;

export async function forgetKey(): Promise<void> {
  const old = vault;
  vault = null;
  openKey.set(null);
  clearTimeout(idle);
  for (const kind of TOUCHES) removeEventListener(kind, touched);
  if (!old) return;
  const late = new Promise((done) => setTimeout(done, WIPE_MS));
  await Promise.race([old.ask({ op: "wipe" }).catch(() => undefined), late]);
  old.end();
}

/* VaultError: "passphrase" when it is wrong; "other" when there is no memory for it. */
export async function unlock(file: KeyFile, passphrase: string): Promise<void> {
  const stretcher = new Vault();
  let seed: Uint8Array;
  try {
    seed = await stretcher.ask<Uint8Array>({ op: "stretch", file, passphrase: new TextEncoder().encode(passphrase) });
  } finally {
    stretcher.end();
  }
  await forgetKey();
  vault = new Vault();
  const key = await vault.ask<PublicKey>({ op: "hold", name: file.name, seed });
  seed.fill(0);
  openKey.set(key);
  for (const kind of TOUCHES) addEventListener(kind, touched, { passive: true });
  touched();
}

/* ---- the encrypted key file, kept by the browser ---- */

function database(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const asked = indexedDB.open("ebb", 1);
    asked.onupgradeneeded = (): void => void asked.result.createObjectStore("keys");
    asked.onsuccess = (): void => done(asked.result);
    asked.onerror = (): void => fail(asked.error);
  });
}

async function withKeys<T>(mode: IDBTransactionMode, f: (keys: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  return new Promise((done, fail) => {
    const asked = f(db.transaction("keys", mode).objectStore("keys"));
    asked.onsuccess = (): void => done(asked.result);
    asked.onerror = (): void => fail(asked.error);
  });
}

export async function keepKeyFile(account: string, text: string): Promise<void> {
  await withKeys("readwrite", (keys) => keys.put(text, account));
}

export async function keptKeyFile(account: string): Promise<string | null> {
  try {
    const text: unknown = await withKeys("readonly", (keys) => keys.get(account) as IDBRequest<unknown>);
    return typeof text === "string" ? text : null;
  } catch {
    return null;
  }
}

export async function dropKeyFile(account: string): Promise<void> {
  await withKeys("readwrite", (keys) => keys.delete(account));
}
