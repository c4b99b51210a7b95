/* A mail's HTML, rendered without anything that acts, loads or leads elsewhere. Three walls: DOMPurify takes away all but text and
 * its order; the frame is sandboxed without rights; and the page's policy, which a frame of srcdoc inherits, loads nothing. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/i18n";
import { Skeleton } from "./basics";

const HTML_MAX = 512 * 1024;
const TAGS = ["p", "div", "span", "br", "hr", "b", "i", "u", "s", "strong", "em", "small", "sub", "sup", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code", "center", "font", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"];
const ATTRIBUTES = ["colspan", "rowspan", "dir"];

export async function cleanHtml(html: string): Promise<string> {
  const { default: purify } = await import("dompurify");
  return purify.sanitize(html.slice(0, HTML_MAX), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    KEEP_CONTENT: true,
    FORBID_CONTENTS: ["script", "style", "title", "template", "noscript", "svg", "math", "iframe", "object", "embed", "audio", "video", "select", "textarea", "form"],
  });
}

export function SafeHtml({ html }: { html: string }): VNode {
  const [clean, setClean] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    void cleanHtml(html).then((c) => wanted && setClean(c));
    return () => {
      wanted = false;
    };
  }, [html]);
  if (clean === null) return <Skeleton lines={8} />;
  const page = `<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light"><title>-</title></head><body>${clean}</body></html>`;
  return <iframe class="mail" sandbox="" referrerpolicy="no-referrer" title={t("mail.rendered")} srcdoc={page} />;
}
