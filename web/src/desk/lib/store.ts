/* A value that several parts of the desk share: read it, set it, be told. */
import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  watch(f: (value: T) => void): () => void;
}

export function store<T>(first: T): Store<T> {
  let value = first;
  const watchers = new Set<(value: T) => void>();
  return {
    get: () => value,
    set: (next) => {
      value = next;
      for (const watcher of [...watchers]) watcher(next);
    },
    watch: (f) => {
      watchers.add(f);
      return () => watchers.delete(f);
    },
  };
}

export function useStore<T>(s: Store<T>): T {
  const [value, set] = useState<{ v: T }>({ v: s.get() });
  useEffect(() => {
    set({ v: s.get() });
    return s.watch((v) => set({ v }));
  }, [s]);
  return value.v;
}

/* What the browser keeps between visits, where it may. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* then not */
  }
}
