/* The map as a part of a page; the table that belongs to it says the same. */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "../../shared/map.css";
import type { MapRow } from "../../shared/map-draw";
import { language, t } from "../i18n/i18n";
import { useStore } from "../lib/store";

/* The borders are a chunk of their own. */
export function WorldMap({ rows, name, chosen, onChoose }: { rows: readonly MapRow[]; name: string; chosen?: string | undefined; onChoose?: (country: string) => void }): VNode {
  const at = useRef<HTMLDivElement>(null);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const tag = useStore(language);
  useEffect(() => {
    let wanted = true;
    void import("../../shared/map-draw").then(({ drawMap }) => {
      if (!wanted || !at.current) return;
      drawMap(at.current, rows, {
        words: { label: name, suppressed: t("map.suppressed"), none: t("map.none"), hint: t("map.hint") },
        language: tag,
        ...(chosen ? { chosen } : {}),
        ...(onChoose ? { onChoose: (country: string) => choose.current?.(country) } : {}),
      });
    });
    return () => {
      wanted = false;
    };
  }, [rows, name, chosen, tag]);
  return <div ref={at} class="map" />;
}
