/* What an act's signature covers, read from the bytes themselves: what is shown is what is signed, whatever the server says. */
import { type Cbor, decodeCbor } from "./cbor";

const HEADING = "ebb act v1\n";

export interface DecodedAct {
  readonly origin: string;
  readonly kind: number;
  readonly members: readonly (readonly [string, string])[];
  readonly account: string;
}

/* Times are microseconds since 1970 on the log. */
const TIMES: readonly string[] = ["until", "observed", "from", "when", "deadline", "planned", "time", "registered_until"];

function words(key: string, value: Cbor): string {
  if (value instanceof Uint8Array) return `${value.length} bytes: ${Array.from(value, (b) => b.toString(16).padStart(2, "0")).join("")}`;
  if (typeof value === "number" && TIMES.includes(key) && Math.abs(value) > 1e12) {
    const at = new Date(value / 1000);
    if (!Number.isNaN(at.getTime())) return at.toISOString();
  }
  if (Array.isArray(value)) return (value as readonly Cbor[]).map((v) => words(key, v)).join(", ");
  if (value instanceof Map) return [...(value as ReadonlyMap<string, Cbor>)].map(([k, v]) => `${k}: ${words(k, v)}`).join("; ");
  return String(value);
}

/* Throws on bytes that are no act's. */
export function decodeAct(bytes: Uint8Array): DecodedAct {
  const heading = new TextDecoder().decode(bytes.subarray(0, HEADING.length));
  const end = bytes.indexOf(10, HEADING.length);
  if (heading !== HEADING || end < 0 || end + 2 > bytes.length) throw new Error("not an act");
  const map = decodeCbor(bytes.subarray(end + 2));
  if (!(map instanceof Map)) throw new Error("not an act");
  const members = [...(map as ReadonlyMap<string, Cbor>)];
  const account = members.find(([k]) => k === "account")?.[1];
  return {
    origin: new TextDecoder().decode(bytes.subarray(HEADING.length, end)),
    kind: bytes[end + 1] ?? 0,
    account: typeof account === "string" ? account : "",
    members: members.filter(([k]) => k !== "account").map(([k, v]) => [k, words(k, v)] as const),
  };
}

/* Names of the kinds that acts have, by number (src/event/kinds.def, with which a test compares them). */
export const KINDS: Readonly<Record<number, string>> = {
  68: "redaction", 70: "order", 71: "order_closed", 72: "asset", 73: "asset_list", 74: "asset_released", 75: "campaign_merged",
  76: "campaign_split", 77: "dialect_named", 78: "roles_judged", 79: "role_overruled", 82: "trial_begun", 85: "report_returned",
  86: "contact_state", 87: "partner", 88: "account", 89: "subject", 90: "subject_merged", 91: "subject_split", 92: "fact", 93: "link",
  94: "withdrawn", 95: "knowledge", 96: "party", 97: "party_contact", 98: "notice_template", 99: "notice", 100: "notice_result",
  101: "publication", 102: "insertion", 103: "hearing", 104: "answer", 106: "lead_message", 107: "lead_review", 108: "novelty",
  109: "keys_wrapped", 110: "lead_deletion", 111: "approval", 112: "offer", 113: "milestone", 114: "eligibility", 115: "award",
  116: "payout", 117: "referral", 118: "exhibit", 121: "release", 122: "passkey", 123: "snapshot",
};
