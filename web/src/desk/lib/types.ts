/* What the API answers: web/openapi-desk.yaml, whose tests hold it against the server. */

export type Cell = string | number | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };
export type Row = Readonly<Record<string, Cell | undefined>>;

export interface Rows<T = Row> {
  readonly position: number;
  readonly rows: readonly T[];
  readonly warnings?: readonly string[];
}

export interface TextAnswer {
  readonly position: number;
  readonly text: string;
}

export type Role = "operator" | "reviewer" | "custodian" | "counsel" | "auditor";
export type PageName = "overview" | "census" | "spam" | "cleanup" | "case" | "leads" | "log";

export interface Target {
  readonly page: PageName;
  readonly part: string | null;
  readonly id: string | null;
}

export interface Alarm {
  readonly severity: "critical" | "warning" | "notice";
  readonly kind: string;
  readonly text: string;
  readonly count: number | null;
  readonly since: string | null;
  readonly target: Target;
}

export interface Alarms {
  readonly position: number;
  readonly alarms: readonly Alarm[];
}

export interface CalendarItem {
  readonly date: string;
  readonly what: string;
  readonly text: string;
  readonly state: string | null;
  readonly entry: number | null;
  readonly count: number | null;
  readonly target: Target;
}

export interface Live {
  readonly now: string;
  readonly log_size: number;
  readonly ready: boolean;
  readonly not_ready: readonly string[];
  readonly events_per_s: number;
  readonly checkins: Readonly<Record<string, { readonly total: number; readonly per_s: number }>>;
  readonly ring_fill: number;
  readonly views: readonly { readonly name: string; readonly by: string; readonly position: number; readonly lag: number }[];
  readonly storage: { readonly full: boolean; readonly free_bytes: number | null; readonly total_bytes: number | null };
  readonly serve: { readonly running: boolean; readonly since: string | null; readonly drops: number };
}

/* An event as `ebb events --json` has it; more members are there. */
export interface EventRow {
  readonly index: number;
  readonly time: string;
  readonly kind?: string;
  readonly sensor?: string;
  readonly protocol?: string;
  readonly src_ip?: string | null;
  readonly country?: string | null;
  readonly asn?: number | null;
  readonly as_name?: string | null;
  readonly network?: string | null;
  readonly family?: string | null;
  readonly role?: string | null;
  readonly dns?: { readonly qname?: string };
  readonly http?: { readonly host?: string; readonly method?: string; readonly target?: string };
  readonly smtp?: { readonly helo?: string; readonly from?: string };
}

export interface Entry {
  readonly index: number;
  readonly time: string;
  readonly kind: string;
  readonly is_event: boolean;
  readonly redacted: boolean;
  readonly entry: Readonly<Record<string, Cell>> | null;
  readonly proof: string | null;
  readonly exact: string | null;
}

export interface MailPart {
  readonly type: string;
  readonly charset: string | null;
  readonly text: string;
  readonly cut: boolean;
}

export interface Mail {
  readonly index: number;
  readonly time: string;
  readonly sensor: string;
  readonly src_ip: string | null;
  readonly country: string | null;
  readonly asn: number | null;
  readonly as_name: string | null;
  readonly family: string | null;
  readonly helo: string | null;
  readonly mail_from: string | null;
  readonly rcpt_to: readonly string[];
  readonly sha256: string | null;
  readonly size: number;
  readonly subject: string | null;
  readonly campaign: number | null;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly texts: readonly MailPart[];
  readonly html: string | null;
  readonly attachments: readonly { readonly name: string | null; readonly type: string; readonly size: number; readonly sha256: string }[];
  readonly cut: boolean;
}

export interface GraphNode {
  readonly id: string;
  readonly kind: "subject" | "asset" | "campaign";
  readonly entry: number | null;
  readonly name: string;
  readonly type: string | null;
  readonly facts: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly relation: string;
  readonly entry: number;
  readonly confidence: number;
  readonly lead: number | null;
  readonly document: string | null;
}

export interface Graph {
  readonly position: number;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface SealedEntry {
  readonly entry: number;
  readonly kind: "lead" | "lead_message" | "lead_review";
  readonly what: string | null;
  readonly account: string | null;
  readonly day: string | null;
  readonly size: number;
  readonly content: string; /* SHA-256 of the list */
  readonly list: string;
  readonly wraps: readonly string[];
}

export interface Sealed {
  readonly lead: number;
  readonly account: string;
  readonly conflict: boolean;
  readonly commitment: string;
  readonly entries: readonly SealedEntry[];
}

export interface FileData {
  readonly name: string;
  readonly data: string; /* base64 */
}

export interface ActRequest {
  readonly command: string;
  readonly args?: readonly (string | FileData)[];
  readonly options?: Readonly<Record<string, string | number | boolean>>;
  readonly files?: Readonly<Record<string, FileData>>;
}

export interface PreparedAct {
  readonly kind: number;
  readonly kind_name: string;
  readonly words: Readonly<Record<string, Cell>>;
  readonly sign: string;
  readonly file: string | null;
}

export interface Prepared {
  readonly id: string;
  readonly expires: string;
  readonly account: string;
  readonly acts: readonly PreparedAct[];
  readonly output: readonly unknown[];
  readonly warnings?: readonly string[];
}

export interface Committed {
  readonly entries: readonly number[];
  readonly seen: boolean;
}
