/* The bottom of the census: a network's addresses, one address and what it is taken for, single events. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import type { Cell, EventRow, Row, Rows } from "../lib/types";
import { type Place, withQuery } from "../lib/url";
import { ActForm } from "../ui/act";
import { Card, EntryLink, Facts, Loaded, Status } from "../ui/basics";
import { type Column, Table } from "../ui/table";
import { contactText } from "./overview";

const EVENTS_MAX = 500;
const ROLES = ["victim", "scanner", "sandbox", "researcher", "resolver", "proxy", "other", "unjudged", "none"] as const;

interface Explained {
  readonly role: string;
  readonly counts: boolean;
  readonly tests_say: string;
  readonly overruled: boolean;
  readonly why: string | null;
  readonly tests: readonly Row[];
}

export function AddressCard({ address }: { address: string }): VNode {
  const data = useData<Explained>(q("census explain", {}, [address]));
  const columns: Column<Row>[] = [
    { key: "test" },
    { key: "speaks", kind: "yes" },
    { key: "role", draw: (r) => label("role", str(r.role)) },
    { key: "value", kind: "number" },
    { key: "threshold", kind: "number" },
    { key: "unit" },
    { key: "says" },
  ];
  return (
    <Card title={t("census.address", { address })} id="address" wide>
      <Loaded data={data}>
        {(e) => (
          <>
            <p>
              {t("census.takenFor")} <Status name={e.role} text={label("role", e.role)} />{" "}
              {e.overruled && <span class="soft">{t("census.overruled", { why: e.why ?? "" })}</span>}
            </p>
            <Table id="tests" caption={t("census.tests")} rows={e.tests} columns={columns} />
            {may("operator") && (
              <details class="do">
                <summary>{t("census.overrule")}</summary>
                <ActForm
                  title={t("census.overrule")}
                  command="census overrule"
                  args={[address]}
                  fields={[
                    { name: "role", label: label("col", "role"), kind: "choice", choices: ROLES, choiceLabel: (r) => label("role", r), required: true },
                    { name: "why", label: label("col", "why"), required: true },
                  ]}
                  done={data.reload}
                />
              </details>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

/* What of an event is a row's. */
function flat(e: EventRow): Row {
  return { index: e.index, time: e.time, protocol: e.protocol ?? e.kind ?? null, src_ip: e.src_ip ?? null, country: e.country ?? null, asn: e.asn ?? null, network: e.network ?? null, family: e.family ?? null, role: e.role ?? null, what: contactText(e), sensor: e.sensor ?? null };
}

function byAddress(rows: readonly Row[]): Row[] {
  const out = new Map<string, { address: string; contacts: number; family: string; first_seen: string; last_seen: string; role: Cell }>();
  for (const r of rows) {
    const address = str(r.src_ip);
    if (address === "") continue;
    const old = out.get(address);
    const time = str(r.time);
    out.set(address, {
      address,
      contacts: (old?.contacts ?? 0) + 1,
      family: old?.family || str(r.family),
      first_seen: old && old.first_seen < time ? old.first_seen : time,
      last_seen: old && old.last_seen > time ? old.last_seen : time,
      role: r.role ?? null,
    });
  }
  return [...out.values()].sort((a, b) => b.contacts - a.contacts);
}

export function EventsCard({ place, query, addresses }: { place: Place; query: Readonly<Record<string, string>>; addresses: boolean }): VNode {
  const source = q("events", { ...query, limit: EVENTS_MAX });
  const data = useData<Rows<EventRow>>(source);
  return (
    <Card title={t("events.title")} id="events" wide>
      <Loaded data={data} tall>{({ rows }) => <Events rows={rows} source={source} place={place} addresses={addresses} />}</Loaded>
    </Card>
  );
}

function Events({ rows, source, place, addresses }: { rows: readonly EventRow[]; source: string; place: Place; addresses: boolean }): VNode {
  const all = useMemo(() => rows.map(flat), [rows]);
  const hosts = useMemo(() => (addresses ? byAddress(all) : []), [all, addresses]);
  const toAddress = (r: Row, key: string): VNode => <a href={withQuery(place, { network: str(r[key]) })}>{str(r[key])}</a>;
  const columns: Column<Row>[] = [
    { key: "index", draw: (r) => <EntryLink index={num(r.index) ?? 0} /> },
    { key: "time", kind: "time" },
    { key: "protocol", draw: (r) => label("proto", str(r.protocol)) },
    { key: "src_ip", draw: (r) => toAddress(r, "src_ip") },
    { key: "what" },
    { key: "family" },
    { key: "role", draw: (r) => label("role", str(r.role)) },
    { key: "country", kind: "country", hidden: true },
    { key: "network", hidden: true },
    { key: "sensor", hidden: true },
  ];
  return (
    <>
      {addresses && (
        <Table
          id="addresses"
          caption={t("census.addresses")}
          rows={hosts}
          columns={[{ key: "address", draw: (r) => toAddress(r, "address") }, { key: "contacts", kind: "count" }, { key: "family" }, { key: "role", draw: (r) => label("role", str(r.role)) }, { key: "first_seen", kind: "time" }, { key: "last_seen", kind: "time" }]}
        />
      )}
      <p class="soft hint">{rows.length >= EVENTS_MAX ? t("events.first", { n: format.count(EVENTS_MAX) }) : t("events.text")}</p>
      <Table id="events" caption={t("events.title")} rows={all} columns={columns} source={source} empty={t("events.empty")} />
    </>
  );
}

/* An entry's members as facts, what is inside them, too. */
export function Members({ of, without }: { of: Readonly<Record<string, Cell>>; without?: readonly string[] }): VNode {
  const rows: (readonly [string, VNode | string])[] = [];
  for (const [key, value] of Object.entries(of)) {
    if (without?.includes(key)) continue;
    if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    if (typeof value === "object" && !Array.isArray(value)) rows.push([label("col", key), <Members key={key} of={value as Readonly<Record<string, Cell>>} />]);
    else rows.push([label("col", key), Array.isArray(value) ? (value as readonly unknown[]).map((v) => (typeof v === "object" ? JSON.stringify(v) : String(v))).join(", ") : String(value)]);
  }
  return <Facts rows={rows} />;
}
