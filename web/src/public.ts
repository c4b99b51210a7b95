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

const figure = document.getElementById("map");
if (figure) mapWhenNear(figure);

export {};
