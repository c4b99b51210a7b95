/* Who is logged in, as the server says. */
import { ApiError, forgetAnswers, getJson, post, setCsrf, setOnSessionEnd } from "./api";
import { store } from "./store";
import type { Role } from "./types";

export interface Session {
  readonly account: string;
  readonly roles: readonly Role[];
  readonly csrf: string;
  readonly how: string;
  readonly origin: string; /* of the log */
  readonly idle_minutes: number;
  readonly passkeys: boolean; /* they can be used at this address */
}

/* undefined: not known yet; null: nobody. */
export const session = store<Session | null | undefined>(undefined);
export const passkeysOffered = store(false);

export function setSession(s: Session | null): void {
  setCsrf(s?.csrf ?? "");
  forgetAnswers();
  session.set(s);
}

export async function loadSession(): Promise<void> {
  setOnSessionEnd(() => setSession(null));
  if (location.hash.startsWith("#link=")) return setSession(null); // who follows a link wants to be who it says
  try {
    const s = await getJson<Session>("/api/session");
    passkeysOffered.set(s.passkeys);
    setSession(s);
  } catch (error) {
    if (error instanceof ApiError) passkeysOffered.set(error.body.passkeys === true);
    setSession(null);
  }
}

export async function logOut(): Promise<void> {
  try {
    await post("/api/logout", {});
  } finally {
    setSession(null);
  }
}

export function may(...roles: readonly Role[]): boolean {
  return session.get()?.roles.some((r) => roles.includes(r)) ?? false;
}
