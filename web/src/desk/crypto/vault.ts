/* What the page asks its vault, and is answered. */
import type { KeyFile } from "./keyfile";

export interface PublicKey {
  readonly name: string;
  readonly sign: Uint8Array;
  readonly box: Uint8Array;
}

export interface OpenedFile {
  readonly name: string;
  readonly data: Blob;
}

export type VaultAsk =
  | { readonly op: "stretch"; readonly file: KeyFile; readonly passphrase: Uint8Array } /* -> the seed */
  | { readonly op: "hold"; readonly name: string; readonly seed: Uint8Array } /* -> PublicKey */
  | { readonly op: "sign"; readonly bytes: readonly Uint8Array[] } /* -> signatures */
  | { readonly op: "unseal"; readonly list: Uint8Array; readonly wraps: readonly Uint8Array[] } /* -> Opened */
  | { readonly op: "wipe" };

export type VaultWrong = "passphrase" | "damaged" | "too-large" | "not-for-key" | "other";

export interface VaultAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly wrong?: VaultWrong;
  readonly text?: string;
}

/* Why the vault did not do it. */
export class VaultError extends Error {
  readonly wrong: VaultWrong;
  constructor(wrong: VaultWrong, text: string) {
    super(text);
    this.wrong = wrong;
  }
}
