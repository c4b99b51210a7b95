/* The vault: a worker in which keys are opened and used, apart from the page, which sees what they make and never them. Stretching
 * a passphrase takes much memory, which goes when its worker does; so there is one for that, and one that holds the key. */
import { deriveKeys, type OpenKey, openSeed, WrongPassphrase, wipeKey } from "./keyfile";
import { sodium } from "./sodium";
import { Damaged, NotForKey, TooLarge, unseal, unwrap } from "./unseal";
import type { VaultAnswer, VaultAsk, VaultWrong } from "./vault";

interface Scope {
  onmessage: ((event: MessageEvent<{ id: number; ask: VaultAsk }>) => void) | null;
  postMessage(answer: VaultAnswer): void;
}
const scope = globalThis as unknown as Scope;

let held: OpenKey | null = null;

function key(): OpenKey {
  if (!held) throw new Error("no key is open");
  return held;
}

async function part(sha256: string): Promise<Uint8Array> {
  const answer = await fetch(`/api/blob/${sha256}`, { credentials: "same-origin", cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(`a sealed part does not come (status ${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function carryOut(ask: VaultAsk): Promise<unknown> {
  const s = await sodium();
  switch (ask.op) {
    case "stretch": {
      const seed = openSeed(s, ask.file, ask.passphrase);
      s.memzero(ask.passphrase);
      return seed;
    }
    case "hold": {
      held = deriveKeys(s, ask.name, ask.seed);
      s.memzero(ask.seed);
      return { name: held.name, sign: held.sign, box: held.box };
    }
    case "sign":
      return ask.bytes.map((b) => s.crypto_sign_detached(b, key().signSecret));
    case "unseal": {
      const secret = await unwrap(s, ask.wraps, ask.list, key());
      try {
        return await unseal(s, ask.list, secret, part);
      } finally {
        s.memzero(secret);
      }
    }
    case "wipe":
      if (held) wipeKey(s, held);
      held = null;
      return null;
  }
}

function wrongOf(error: unknown): VaultWrong {
  if (error instanceof WrongPassphrase) return "passphrase";
  if (error instanceof Damaged) return "damaged";
  if (error instanceof TooLarge) return "too-large";
  return error instanceof NotForKey ? "not-for-key" : "other";
}

scope.onmessage = (event): void => {
  const { id, ask } = event.data;
  carryOut(ask).then(
    (value) => scope.postMessage({ id, value }),
    (error: unknown) => scope.postMessage({ id, wrong: wrongOf(error), text: error instanceof Error ? error.message : String(error) }),
  );
};
