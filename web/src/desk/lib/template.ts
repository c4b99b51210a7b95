/* A campaign's template as `ebb campaigns template` prints it: sections, in which a line is text in quotes or a slot in <>. */

export type Piece = { readonly slot: false; readonly text: string } | { readonly slot: true; readonly text: string };
export interface Section {
  readonly name: string;
  readonly pieces: readonly Piece[];
}

function unquote(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? value : line;
  } catch {
    return line.replace(/^"|"$/g, "");
  }
}

export function parseTemplate(text: string): { readonly about: string; readonly sections: readonly Section[] } {
  const lines = text.split("\n").filter((l) => l !== "");
  const about = lines[0]?.startsWith("template of") ? lines.shift() : "";
  const sections: { name: string; pieces: Piece[] }[] = [];
  for (const line of lines) {
    if (!line.startsWith("  ")) sections.push({ name: line, pieces: [] });
    else {
      const body = line.trim();
      const slot = body.startsWith("<") && body.endsWith(">");
      sections[sections.length - 1]?.pieces.push({ slot, text: slot ? body.slice(1, -1) : unquote(body) });
    }
  }
  return { about: about ?? "", sections };
}
