/* The one chart, on uPlot: lines, steps, bands, a log scale, in the theme's colours. A canvas says nothing to a screen reader,
 * so it has a summary in words, and the same rows are a table below. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "../i18n/i18n";
import * as format from "../lib/format";
import type { Row } from "../lib/types";
import { theme } from "../lib/theme";
import { useStore } from "../lib/store";
import { type Column, Table } from "./table";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6;
  readonly step?: boolean;
  readonly dash?: boolean;
  readonly low?: readonly (number | null)[]; /* with high: a band around it */
  readonly high?: readonly (number | null)[];
  readonly points?: boolean;
}

interface ChartProps {
  readonly id: string;
  readonly summary: string; /* in words, what the picture shows */
  readonly x: readonly number[]; /* seconds since 1970, or plain numbers with plainX */
  readonly lines: readonly Line[];
  readonly unit?: string;
  readonly plainX?: boolean;
  readonly log?: boolean;
  readonly zero?: boolean; /* the axis begins at nothing; default: true */
  readonly marks?: readonly { readonly at: number; readonly label: string }[]; /* upright lines */
  readonly height?: number;
  readonly span?: number; /* the x axis shows so much up to the newest point */
  readonly table?: { readonly rows: readonly Row[]; readonly columns: readonly Column<Row>[]; readonly source?: string };
  readonly onPick?: (from: number, to: number) => void; /* a range was drawn with the pointer */
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Points of which no neighbour is known: as lines they would not be seen. */
function alone(u: uPlot, series: number): number[] {
  const values = u.data[series] ?? [];
  const known = (i: number): boolean => values[i] !== null && values[i] !== undefined;
  return Array.from(values.keys()).filter((i) => known(i) && !known(i - 1) && !known(i + 1));
}

/* Lines as columns; a band's edges are two more that are not drawn themselves. */
function columnsOf(props: ChartProps): { data: uPlot.AlignedData; series: uPlot.Series[]; bands: uPlot.Band[] } {
  const data: (readonly (number | null)[])[] = [props.x];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const line of props.lines) {
    const stroke = css(`--line-${line.colour}`);
    if (line.low && line.high) {
      data.push(line.high, line.low);
      series.push({ label: "", width: 0, points: { show: false } }, { label: "", width: 0, points: { show: false } });
      bands.push({ series: [data.length - 2, data.length - 1], fill: `${stroke}30` });
    }
    data.push(line.values);
    const path = line.step ? uPlot.paths.stepped?.({ align: 1 }) : uPlot.paths.linear?.();
    series.push({ label: line.label, stroke, width: 2, points: line.points ? { show: true } : { show: true, filter: alone, size: 5, fill: stroke }, ...(line.dash ? { dash: [6, 4] } : {}), ...(path ? { paths: path } : {}) });
  }
  return { data: data as uPlot.AlignedData, series, bands };
}

function marksPlugin(marks: NonNullable<ChartProps["marks"]>): uPlot.Plugin {
  return {
    hooks: {
      draw: (u) => {
        const { ctx } = u;
        ctx.save();
        ctx.strokeStyle = css("--ink-soft");
        ctx.fillStyle = css("--ink-soft");
        ctx.setLineDash([3, 3]);
        ctx.font = `${12 * devicePixelRatio}px ${css("--sans")}`;
        for (const mark of marks) {
          const x = u.valToPos(mark.at, "x", true);
          if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(x, u.bbox.top);
          ctx.lineTo(x, u.bbox.top + u.bbox.height);
          ctx.stroke();
          const right = x > u.bbox.left + u.bbox.width * 0.7;
          ctx.textAlign = right ? "right" : "left";
          ctx.fillText(mark.label, x + (right ? -5 : 5) * devicePixelRatio, u.bbox.top + 13 * devicePixelRatio);
        }
        ctx.restore();
      },
    },
  };
}

/* ISO 8601 whatever the language: years, months, days, hours, seconds; with what is above them below the first and where it changes. */
const DAY = 86_400;
/* Steps of a multiple of 30 days are calendar months to uPlot. */
const TICKS: uPlot.Axis.DynamicValues | uPlot.Axis.Values = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [30 * DAY, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [DAY, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

/* What the labels of the y axis take: "25 тыс." is longer than "25K". */
const Y_ROOM = 20;
const LETTER = 7;

function optionsOf(props: ChartProps, width: number, series: uPlot.Series[], bands: uPlot.Band[]): uPlot.Options {
  const ink = css("--ink-soft");
  const grid = { stroke: css("--line"), width: 1 };
  const font = `12px ${css("--sans")}`;
  const axis = { stroke: ink, grid, ticks: grid, font };
  const zero = (props.zero ?? true) && !props.log;
  return {
    width,
    height: props.height ?? 240,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
    padding: [10, 30, 0, 0] /* half of the last label */,
    series,
    bands,
    legend: { show: false },
    cursor: { drag: { x: props.onPick !== undefined, y: false, setScale: false }, points: { size: 7 }, y: false },
    scales: {
      x: { time: !props.plainX, ...(props.span ? { range: (_u: uPlot, _low: number, high: number): [number, number] => [high - (props.span ?? 0), high] } : {}) },
      y: props.log ? { distr: 3 } : zero ? { range: (_u, _low, high) => [0, high > 0 ? high * 1.08 : 1] } : {},
    },
    axes: [props.plainX ? axis : { ...axis, ...(props.span ? { size: 30 } : {}) /* seconds have one line */, values: TICKS as uPlot.Axis.Values, incrs: [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 180 * DAY, 365 * DAY, 730 * DAY, 1825 * DAY], space: 64 }, { ...axis, size: (_u, texts) => Y_ROOM + LETTER * Math.max(4, ...(texts ?? []).map((text) => text.length)), values: (_u, splits) => splits.map((v) => (v === null ? "" : format.compact(v))) }],
    plugins: props.marks ? [marksPlugin(props.marks)] : [],
    hooks: {
      setSelect: [
        (u) => {
          if (!props.onPick || u.select.width < 4) return;
          props.onPick(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
        },
      ],
    },
  };
}

const xText = (props: ChartProps, x: number): string => (props.plainX ? format.decimal(x, 1) : format.time(new Date(x * 1000).toISOString()).replace(" 00:00:00", ""));

export function Chart(props: ChartProps): VNode {
  const at = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const scheme = useStore(theme);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.lines.map((l) => `${l.label}${l.colour}${l.step}${l.dash}${l.low !== undefined}`).join("|")}|${props.log}|${props.height}|${scheme}|${(props.marks ?? []).map((m) => `${m.at}${m.label}`).join()}`;

  useEffect(() => {
    const target = at.current;
    if (!target) return undefined;
    const { data, series, bands } = columnsOf(latest.current);
    const options = optionsOf(latest.current, Math.max(200, target.clientWidth), series, bands);
    options.hooks = { ...options.hooks, setCursor: [(u) => setCursor(u.cursor.idx ?? null)] };
    const made = new uPlot(options, data, target);
    plot.current = made;
    const resize = new ResizeObserver(() => {
      if (target.clientWidth > 0 && target.clientWidth !== made.width) made.setSize({ width: target.clientWidth, height: made.height });
    });
    resize.observe(target);
    return () => {
      resize.disconnect();
      plot.current = null;
      made.destroy();
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(columnsOf(props).data);
  }, [props.x, props.lines]);

  const index = cursor ?? props.x.length - 1;
  const when = props.x[index];
  return (
    <figure class="chart">
      <div ref={at} role="img" aria-label={props.summary} class="plot" />
      <figcaption>
        <span class="soft num when">{when === undefined ? "" : xText(props, when)}</span>
        {props.lines.map((line) => {
          const value = line.values[index];
          const [low, high] = [line.low?.[index], line.high?.[index]];
          return (
            <span key={line.label} class="key">
              <span class={`swatch line-${line.colour}${line.dash ? " dash" : ""}`} aria-hidden="true" />
              {line.label}: <b class="num">{typeof value === "number" ? format.count(Math.round(value * 100) / 100) : "–"}</b>
              {typeof low === "number" && typeof high === "number" && (
                <span class="soft num">
                  {" "}
                  ({format.count(low)} – {format.count(high)})
                </span>
              )}
              {props.unit && <span class="soft"> {props.unit}</span>}
            </span>
          );
        })}
      </figcaption>
      {props.table && (
        <details>
          <summary>{t("chart.table")}</summary>
          <Table id={props.id} caption={props.summary} rows={props.table.rows} columns={props.table.columns} {...(props.table.source ? { source: props.table.source } : {})} />
        </details>
      )}
    </figure>
  );
}

/* A day as the charts' x. */
export const dayX = (day: string): number => Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / 1000;
