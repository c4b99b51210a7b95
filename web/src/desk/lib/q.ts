/* URLs of the reading routes: GET /api/q/COMMAND. */
export function q(command: string, options: Readonly<Record<string, string | number | boolean | undefined>> = {}, args: readonly string[] = []): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) if (value !== undefined && value !== "" && value !== false) search.append(key, String(value));
  for (const arg of args) search.append("arg", arg);
  const text = search.toString();
  return `/api/q/${command.split(" ").join("/")}${text === "" ? "" : `?${text}`}`;
}

export const num = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
export const str = (value: unknown): string => (typeof value === "string" ? value : "");
