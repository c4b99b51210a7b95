/* Subjects and what they are linked to, as a picture laid out by forces; the same links are a table below. */
import type { SimulationLinkDatum, SimulationNodeDatum } from "d3-force";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/i18n";
import { useData } from "../lib/api";
import type { Graph, GraphNode } from "../lib/types";
import { go, href, path } from "../lib/url";
import { Card, Empty, Loaded } from "../ui/basics";
import { Table } from "../ui/table";

const WIDTH = 900;
const HEIGHT = 420;
const NODES_MAX = 300;
const STEPS = 300;
const STRETCH = 2.4;

interface Placed extends GraphNode, SimulationNodeDatum {
  readonly id: string;
}

interface Layout {
  readonly nodes: readonly Placed[];
  readonly edges: readonly { readonly from: Placed; readonly to: Placed; readonly relation: string }[];
}

/* Fills the picture, without tearing few nodes far apart. */
function fit(nodes: readonly Placed[]): void {
  const xs = nodes.map((n) => n.x ?? 0);
  const ys = nodes.map((n) => n.y ?? 0);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scaleX = Math.min(STRETCH, (WIDTH - 180) / Math.max(1, right - left));
  const scaleY = Math.min(STRETCH, (HEIGHT - 80) / Math.max(1, bottom - top));
  for (const n of nodes) {
    n.x = WIDTH / 2 + ((n.x ?? 0) - (left + right) / 2) * scaleX;
    n.y = HEIGHT / 2 - 8 + ((n.y ?? 0) - (top + bottom) / 2) * scaleY;
  }
}

/* Done once, to its end, and then drawn: nothing moves. */
async function layOut(graph: Graph): Promise<Layout> {
  const { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } = await import("d3-force");
  const nodes: Placed[] = graph.nodes.slice(0, NODES_MAX).map((n) => ({ ...n }));
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const edges = graph.edges.flatMap((e) => {
    const [from, to] = [byId.get(e.from), byId.get(e.to)];
    return from && to ? [{ from, to, relation: e.relation }] : [];
  });
  const links: SimulationLinkDatum<Placed>[] = edges.map((e) => ({ source: e.from, target: e.to }));
  forceSimulation(nodes)
    .force("link", forceLink<Placed, SimulationLinkDatum<Placed>>(links).distance(120))
    .force("apart", forceManyBody().strength(-320))
    .force("room", forceCollide(34))
    .force("x", forceX(WIDTH / 2).strength(0.04))
    .force("y", forceY(HEIGHT / 2).strength(0.09))
    .force("middle", forceCenter(WIDTH / 2, HEIGHT / 2))
    .stop()
    .tick(STEPS);
  fit(nodes);
  return { nodes, edges };
}

function hrefOf(n: GraphNode): string {
  if (n.kind === "subject" && n.entry !== null) return path("case", "subject", n.entry);
  if (n.kind === "campaign" && n.entry !== null) return path("spam", "campaign", n.entry);
  return href("/case", { tab: "assets", "assets.find": n.name });
}

const short = (s: string): string => (s.length > 22 ? `${s.slice(0, 21)}…` : s);

function Picture({ layout }: { layout: Layout }): VNode {
  return (
    <svg class="graph" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={t("case.graph")}>
      {layout.edges.map((e, i) => (
        <g key={i} class="edge">
          <line x1={e.from.x} y1={e.from.y} x2={e.to.x} y2={e.to.y} />
          <text x={((e.from.x ?? 0) + (e.to.x ?? 0)) / 2} y={((e.from.y ?? 0) + (e.to.y ?? 0)) / 2 - 4} text-anchor="middle">
            {short(e.relation)}
          </text>
        </g>
      ))}
      {layout.nodes.map((n) => (
        <a key={n.id} href={hrefOf(n)} class={`node ${n.kind}`} aria-label={`${t(`graph.${n.kind}`)}: ${n.name}`} onClick={(e) => { e.preventDefault(); go(hrefOf(n)); }}>
          {n.kind === "subject" ? <circle cx={n.x} cy={n.y} r="13" /> : n.kind === "asset" ? <rect x={(n.x ?? 0) - 11} y={(n.y ?? 0) - 11} width="22" height="22" rx="3" /> : <path d={`M${n.x} ${(n.y ?? 0) - 14}l14 14l-14 14l-14 -14z`} />}
          <text x={n.x} y={(n.y ?? 0) + 28} text-anchor="middle">
            {short(n.name)}
          </text>
        </a>
      ))}
    </svg>
  );
}

function Drawn({ graph }: { graph: Graph }): VNode {
  const [layout, setLayout] = useState<Layout | null>(null);
  useEffect(() => {
    let wanted = true;
    void layOut(graph).then((l) => wanted && setLayout(l));
    return () => {
      wanted = false;
    };
  }, [graph]);
  const nameOf = new Map(graph.nodes.map((n) => [n.id, n.name]));
  if (graph.nodes.length === 0) return <Empty>{t("case.subjectsNone")}</Empty>;
  return (
    <>
      <div class="graph-room">{layout && <Picture layout={layout} />}</div>
      <p class="soft keys-line">
        {(["subject", "asset", "campaign"] as const).map((k) => (
          <span key={k} class="pair">
            <svg class={`graph mini`} viewBox="0 0 30 30" aria-hidden="true">
              <g class={`node ${k}`}>{k === "subject" ? <circle cx="15" cy="15" r="13" /> : k === "asset" ? <rect x="4" y="4" width="22" height="22" rx="3" /> : <path d="M15 1l14 14l-14 14l-14 -14z" />}</g>
            </svg>{" "}
            {t(`graph.${k}`)}
          </span>
        ))}
      </p>
      {graph.nodes.length > NODES_MAX && <p class="note warn">{t("case.graphCut", { n: NODES_MAX })}</p>}
      <details>
        <summary>{t("chart.table")}</summary>
        <Table
          id="links"
          caption={t("case.links")}
          rows={graph.edges.map((e) => ({ entry: e.entry, from: nameOf.get(e.from) ?? "", relation: e.relation, to: nameOf.get(e.to) ?? "", confidence: e.confidence, lead: e.lead, document: e.document }))}
          columns={[{ key: "entry", kind: "entry" }, { key: "from" }, { key: "relation" }, { key: "to" }, { key: "confidence", kind: "count" }, { key: "lead", kind: "entry" }, { key: "document" }]}
        />
      </details>
    </>
  );
}

export function SubjectGraph(): VNode {
  return (
    <Card title={t("case.graph")} id="graph" wide>
      <Loaded data={useData<Graph>("/api/subjects/graph")} tall>{(graph) => <Drawn graph={graph} />}</Loaded>
    </Card>
  );
}
