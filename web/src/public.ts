/* What a public page gains by scripts; it needs none. */

/* The map, 40 KB of borders, comes when somebody scrolls to where it is: <figure id="map" data-script="/assets/map.js?v=...">. */
function mapWhenNear(figure: HTMLElement): void {
  const load = (): void => {
    const script = document.createElement("script");
    script.src = figure.dataset.script ?? "/assets/map.js";
    document.head.append(script);
  };
  if (!("IntersectionObserver" in window)) return load();
  const near = new IntersectionObserver(
    (entries) => {
      if (!entries.some((e) => e.isIntersecting)) return;
      near.disconnect();
      load();
    },
    { rootMargin: "300px" },
  );
  figure.hidden = false; // what is hidden is never near
  near.observe(figure);
}

/* A button beside each digest and permanent address: they are long, and are compared, not read. Its words stand in the page. */
function offerCopies(main: HTMLElement): void {
  const { copy, copied } = main.dataset;
  if (!copy || !copied || !navigator.clipboard) return; // there is none without TLS
  for (const code of main.querySelectorAll<HTMLElement>("code.digest, code.address")) {
    const text = code.textContent ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = copy;
    button.setAttribute("aria-label", `${copy}: ${text.slice(0, 24)}`);
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(text).then(
        () => {
          button.textContent = copied;
          setTimeout(() => (button.textContent = copy), 2000);
        },
        () => button.remove(),
      );
    });
    code.after(" ", button);
  }
}

const main = document.getElementById("main");
if (main) offerCopies(main);

const figure = document.getElementById("map");
if (figure) mapWhenNear(figure);

export {};
