/* Subjects and what they are linked to, as a picture laid out by forces; the same links are a table below. */
import type { SimulationLinkDatum, SimulationNodeDatum } from "d3-force";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n/i18n";
import { useData } from "../lib/api";
import type { Graph, GraphNode } from "../lib/types";
import { go, href, path } from "../lib/url";
import { Card, Empty, Loaded } from "../ui/basics";
import { Table } from "../ui/table";

const WIDTH_MIN = 360; /* of the picture, whose units are pixels where there is room */
const WIDTH_MAX = 1400;
const HEIGHT_MIN = 130;
const HEIGHT_MAX = 440;
const PER_NODE = 80; /* of height, for each node beyond the first */
const NODES_MAX = 300;
const FEW = 40; /* nodes that have room for their names */
const STEPS = 300;
const STARTS = 8;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));
const TOUCH = 36; /* px: a line so near to a node looks like its own */
const TOUCH_COST = 3; /* crossings that one such is as bad as */
const STRETCH_X = 4;
const STRETCH_Y = 2;
const LETTER = 6.8; /* px of width */
const LINE = 15;

interface Placed extends GraphNode, SimulationNodeDatum {
  readonly id: string;
}

interface Words {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly { readonly node: Placed; readonly name: Words }[];
  readonly edges: readonly { readonly from: Placed; readonly to: Placed; readonly name: Words }[];
}

const short = (s: string): string => (s.length > 22 ? `${s.slice(0, 21)}…` : s);
const xOf = (n: Placed): number => n.x ?? 0;
const yOf = (n: Placed): number => n.y ?? 0;

/* Turns the picture so that it is widest where the frame is: along the main axis of where its nodes are. */
function turn(nodes: readonly Placed[]): void {
  const mean = (of: (n: Placed) => number): number => nodes.reduce((sum, n) => sum + of(n), 0) / Math.max(1, nodes.length);
  const [mx, my] = [mean(xOf), mean(yOf)];
  const xx = mean((n) => (xOf(n) - mx) ** 2);
  const yy = mean((n) => (yOf(n) - my) ** 2);
  const xy = mean((n) => (xOf(n) - mx) * (yOf(n) - my));
  const angle = -Math.atan2(2 * xy, xx - yy) / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (const n of nodes) {
    const [x, y] = [xOf(n) - mx, yOf(n) - my];
    n.x = x * cos - y * sin;
    n.y = x * sin + y * cos;
  }
}

/* Fills the picture, without tearing few nodes far apart. */
function fit(nodes: readonly Placed[], width: number, height: number): void {
  const xs = nodes.map(xOf);
  const ys = nodes.map(yOf);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scaleX = Math.min(STRETCH_X, (width - 180) / Math.max(1, right - left));
  const scaleY = Math.min(STRETCH_Y, (height - 90) / Math.max(1, bottom - top));
  for (const n of nodes) {
    n.x = width / 2 + (xOf(n) - (left + right) / 2) * scaleX;
    n.y = height / 2 - 8 + (yOf(n) - (top + bottom) / 2) * scaleY;
  }
}

interface Pair {
  readonly from: Placed;
  readonly to: Placed;
}

/* On which side of a line a node is. */
const side = (l: Pair, n: Placed): number => Math.sign((xOf(l.to) - xOf(l.from)) * (yOf(n) - yOf(l.from)) - (yOf(l.to) - yOf(l.from)) * (xOf(n) - xOf(l.from)));

function touches(l: Pair, n: Placed): boolean {
  const [dx, dy] = [xOf(l.to) - xOf(l.from), yOf(l.to) - yOf(l.from)];
  const along = ((xOf(n) - xOf(l.from)) * dx + (yOf(n) - yOf(l.from)) * dy) / Math.max(1, dx * dx + dy * dy);
  return along > 0 && along < 1 && Math.hypot(xOf(l.from) + along * dx - xOf(n), yOf(l.from) + along * dy - yOf(n)) < TOUCH;
}

/* How hard a layout is to read: lines that cross, and lines that go through nodes they do not belong to. */
function tangle(nodes: readonly Placed[], lines: readonly Pair[]): number {
  const apart = (a: Pair, b: Pair): boolean => a.from !== b.from && a.from !== b.to && a.to !== b.from && a.to !== b.to;
  let cost = 0;
  for (const [i, a] of lines.entries()) {
    cost += TOUCH_COST * nodes.filter((n) => n !== a.from && n !== a.to && touches(a, n)).length;
    cost += lines.slice(i + 1).filter((b) => apart(a, b) && side(a, b.from) !== side(a, b.to) && side(b, a.from) !== side(b, a.to)).length;
  }
  return cost;
}

/* Puts each word where it is over the fewest others. */
function placeWords(taken: Words[], text: string, places: readonly (readonly [number, number])[]): Words {
  const over = (x: number, y: number): number => taken.filter((w) => Math.abs(w.x - x) < ((w.text.length + text.length) / 2) * LETTER && Math.abs(w.y - y) < LINE).length;
  const tried = places.map(([x, y]) => ({ x, y, over: over(x, y) }));
  const best = tried.reduce((a, b) => (b.over < a.over ? b : a), tried[0] ?? { x: 0, y: 0, over: 0 });
  const words = { x: best.x, y: best.y, text };
  taken.push(words);
  return words;
}

/* Done once, to its end, and then drawn: nothing moves. */
async function layOut(graph: Graph, room: number): Promise<Layout> {
  const { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } = await import("d3-force");
  const nodes: Placed[] = graph.nodes.slice(0, NODES_MAX).map((n) => ({ ...n }));
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const edges = graph.edges.flatMap((e) => {
    const [from, to] = [byId.get(e.from), byId.get(e.to)];
    return from && to ? [{ from, to, relation: e.relation }] : [];
  });
  const settle = (start: number): void => {
    nodes.forEach((n, i) => {
      const angle = i * (GOLDEN + start);
      Object.assign(n, { x: 40 * Math.sqrt(i + 0.5) * Math.cos(angle), y: 40 * Math.sqrt(i + 0.5) * Math.sin(angle), vx: 0, vy: 0 });
    });
    const links: SimulationLinkDatum<Placed>[] = edges.map((e) => ({ source: e.from, target: e.to }));
    forceSimulation(nodes)
      .force("link", forceLink<Placed, SimulationLinkDatum<Placed>>(links).distance(120))
      .force("apart", forceManyBody().strength(-320))
      .force("room", forceCollide(nodes.length <= FEW ? 55 : 34))
      .force("x", forceX(0).strength(0.04))
      .force("y", forceY(0).strength(0.09))
      .force("middle", forceCenter(0, 0))
      .stop()
      .tick(STEPS);
  };
  /* Few nodes are laid out from several beginnings, and the clearest is taken. */
  const starts = Array.from({ length: nodes.length > 3 && nodes.length <= FEW ? STARTS : 1 }, (_, i) => i);
  const tangles = starts.map((start) => {
    settle(start);
    return tangle(nodes, edges);
  });
  const best = tangles.indexOf(Math.min(...tangles));
  if (best !== starts.length - 1) settle(best);
  const width = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, room));
  const height = Math.min(HEIGHT_MAX, HEIGHT_MIN + PER_NODE * Math.max(0, nodes.length - 1));
  turn(nodes);
  fit(nodes, width, height);
  /* A node itself takes the place of a short word. */
  const taken: Words[] = nodes.map((n) => ({ x: xOf(n), y: yOf(n) + 4, text: "node" }));
  const named = nodes.map((node) => ({ node, name: placeWords(taken, short(node.name), [[xOf(node), yOf(node) + 28], [xOf(node), yOf(node) - 19]]) }));
  const linked = edges.map(({ from, to, relation }) => {
    const at = (share: number): readonly [number, number] => [xOf(from) + (xOf(to) - xOf(from)) * share, yOf(from) + (yOf(to) - yOf(from)) * share - 4];
    return { from, to, name: placeWords(taken, short(relation), [0.5, 0.4, 0.6, 0.3, 0.7].map(at)) };
  });
  return { width, height, nodes: named, edges: linked };
}

function hrefOf(n: GraphNode): string {
  if (n.kind === "subject" && n.entry !== null) return path("case", "subject", n.entry);
  if (n.kind === "campaign" && n.entry !== null) return path("spam", "campaign", n.entry);
  return href("/case", { tab: "assets", "assets.find": n.name });
}

function Picture({ layout }: { layout: Layout }): VNode {
  return (
    <svg class="graph" viewBox={`0 0 ${layout.width} ${layout.height}`} role="group" aria-label={t("case.graph")}>
      {layout.edges.map((e, i) => (
        <g key={i} class="edge">
          <line x1={e.from.x} y1={e.from.y} x2={e.to.x} y2={e.to.y} />
          <text x={e.name.x} y={e.name.y} text-anchor="middle">
            {e.name.text}
          </text>
        </g>
      ))}
      {layout.nodes.map(({ node: n, name }) => (
        <a key={n.id} href={hrefOf(n)} class={`node ${n.kind}`} aria-label={`${t(`graph.${n.kind}`)}: ${n.name}`} onClick={(e) => { e.preventDefault(); go(hrefOf(n)); }}>
          {n.kind === "subject" ? <circle cx={n.x} cy={n.y} r="13" /> : n.kind === "asset" ? <rect x={(n.x ?? 0) - 11} y={(n.y ?? 0) - 11} width="22" height="22" rx="3" /> : <path d={`M${n.x} ${(n.y ?? 0) - 14}l14 14l-14 14l-14 -14z`} />}
          <text x={name.x} y={name.y} text-anchor="middle">
            {name.text}
          </text>
        </a>
      ))}
    </svg>
  );
}

function Drawn({ graph }: { graph: Graph }): VNode {
  const room = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState<Layout | null>(null);
  useEffect(() => {
    let wanted = true;
    void layOut(graph, room.current?.clientWidth ?? WIDTH_MIN).then((l) => wanted && setLayout(l));
    return () => {
      wanted = false;
    };
  }, [graph]);
  const nameOf = new Map(graph.nodes.map((n) => [n.id, n.name]));
  if (graph.nodes.length === 0) return <Empty>{t("case.subjectsNone")}</Empty>;
  return (
    <>
      <div class="graph-room" ref={room}>{layout && <Picture layout={layout} />}</div>
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
