/* Asking the desk's server. Answers are kept for a while, so that going back shows at once what was there, and then what is
 * new. What comes is checked for its shape where it is taken apart, and is text everywhere else. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export class ApiError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  constructor(status: number, message: string, body: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

const BUSY_TRIES = 4;
const BUSY_WAIT_MS = 700;
const KEPT_MAX = 60;

let csrf = "";
let onSessionEnd: () => void = () => undefined;

export function setCsrf(token: string): void {
  csrf = token;
}

/* Called when an answer says that nobody is logged in. */
export function setOnSessionEnd(f: () => void): void {
  onSessionEnd = f;
}

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function failure(answer: Response): Promise<ApiError> {
  try {
    const body: unknown = await answer.json();
    if (typeof body === "object" && body !== null) return new ApiError(answer.status, "error" in body ? String(body.error) : "", body as Readonly<Record<string, unknown>>);
  } catch {
    /* the status says enough */
  }
  return new ApiError(answer.status, "");
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  for (let left = BUSY_TRIES; ; left--) {
    let answer: Response;
    try {
      answer = await fetch(url, { credentials: "same-origin", cache: "no-store", redirect: "error", ...init });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(0, "");
    }
    if (answer.ok) return answer;
    if (answer.status === 503 && left > 1 && (init.method ?? "GET") === "GET") {
      await wait(BUSY_WAIT_MS * (0.5 + Math.random()));
      continue;
    }
    const error = await failure(answer);
    if (error.status === 401 && !url.startsWith("/api/login") && !url.startsWith("/api/session")) onSessionEnd();
    throw error;
  }
}

const get = async (url: string, accept: string, signal?: AbortSignal): Promise<Response> =>
  ask(url, { headers: { Accept: accept }, ...(signal ? { signal } : {}) });

/* The type is the route's of web/openapi-desk.yaml, against which the server is tested. */
export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await (await get(url, "application/json", signal)).json()) as T;
}

export async function post<T>(url: string, body: unknown, method = "POST"): Promise<T> {
  const answer = await ask(url, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json", ...(csrf === "" ? {} : { "X-Ebb-Csrf": csrf }) },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return (text === "" ? {} : JSON.parse(text)) as T;
}

/* ---- kept answers ---- */

const kept = new Map<string, unknown>();

function keep(url: string, data: unknown): void {
  kept.delete(url);
  kept.set(url, data);
  const oldest = kept.keys().next();
  if (kept.size > KEPT_MAX && !oldest.done) kept.delete(oldest.value);
}

export function forgetAnswers(): void {
  kept.clear();
}

export interface Data<T> {
  readonly data: T | undefined; /* also while it is being asked again */
  readonly error: ApiError | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

/* The answer of a route; url null asks nothing. everyMs: again and again while the page is looked at. */
export function useData<T>(url: string | null, everyMs = 0): Data<T> {
  const [turn, setTurn] = useState(0);
  const [state, set] = useState<{ url: string | null; data: T | undefined; error: ApiError | undefined; loading: boolean }>(() => ({
    url,
    data: url === null ? undefined : (kept.get(url) as T | undefined),
    error: undefined,
    loading: url !== null,
  }));
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const last = useRef<string | null>(null);

  useEffect(() => {
    if (url === null) {
      set({ url, data: undefined, error: undefined, loading: false });
      return undefined;
    }
    const stop = new AbortController();
    let timer = 0;
    if (last.current !== url) set({ url, data: kept.get(url) as T | undefined, error: undefined, loading: true });
    last.current = url;
    const turnOnce = async (): Promise<void> => {
      try {
        const data = document.hidden && everyMs > 0 ? undefined : await getJson<T>(url, stop.signal);
        if (data !== undefined) {
          keep(url, data);
          set({ url, data, error: undefined, loading: false });
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        const why = error instanceof ApiError ? error : new ApiError(0, error instanceof Error ? error.message : "");
        set((old) => ({ url, data: old.url === url ? old.data : undefined, error: why, loading: false }));
      }
      if (everyMs > 0 && !stop.signal.aborted) timer = window.setTimeout(() => void turnOnce(), everyMs);
    };
    void turnOnce();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [url, everyMs, turn]);

  const fresh = state.url === url;
  return {
    data: fresh ? state.data : url === null ? undefined : (kept.get(url) as T | undefined),
    error: fresh ? state.error : undefined,
    loading: fresh ? state.loading : url !== null,
    reload,
  };
}
