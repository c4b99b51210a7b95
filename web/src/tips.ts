/* The stamp of an informant's form, made by the browser when the form is sent: a number behind the form's prefix whose
 * SHA-256 begins with so many zero bits (src/lead/stamp.h). The page works without this: then it is sent without a stamp.
 * One file is both, the page's script and its worker's, because the page may load workers of its own address alone. */

interface Task {
  prefix: string;
  bits: number;
}
interface Found {
  tried: number;
  nonce?: string;
}

/* ---- the worker ---- */

const ROUND = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]); // FIPS 180-4, 4.2.2
const START = new Int32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
const WORDS = 2 ** 32;
const STEP = 1 << 16; // hashes between two looks at the page

/* The first two words of SHA-256 of the one block in w[0..15]; w is 64 words long. */
function firstWords(w: Int32Array, out: Int32Array): void {
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!, y = w[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
  }
  let a = START[0]!, b = START[1]!, c = START[2]!, d = START[3]!, e = START[4]!, f = START[5]!, g = START[6]!, h = START[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  out[0] = (START[0]! + a) | 0;
  out[1] = (START[1]! + b) | 0;
}

function zeroBits(words: Int32Array): number {
  const first = Math.clz32(words[0]!);
  return first < 32 ? first : 32 + Math.clz32(words[1]!);
}

/* Tries `count` numbers from `from` on; -1: none of them is it. */
function search(task: Task, from: number, count: number): number {
  const w = new Int32Array(64), out = new Int32Array(2);
  for (let i = 0; i < 8; i++) w[i] = parseInt(task.prefix.slice(8 * i, 8 * i + 8), 16) | 0;
  w[10] = 0x80000000 | 0;
  w[15] = 40 * 8;
  for (let nonce = from; nonce < from + count; nonce++) {
    w[8] = Math.floor(nonce / WORDS);
    w[9] = nonce % WORDS | 0;
    firstWords(w, out);
    if (zeroBits(out) >= task.bits) return nonce;
  }
  return -1;
}

function work(task: Task): void {
  for (let at = 0; ; at += STEP) {
    const nonce = search(task, at, STEP);
    const said: Found = nonce < 0 ? { tried: at + STEP } : { tried: at, nonce: String(nonce) };
    self.postMessage(said);
    if (nonce >= 0) return;
  }
}

/* ---- the page ---- */

const SCRIPT = typeof document === "undefined" ? "" : ((document.currentScript as HTMLScriptElement | null)?.src ?? "");

/* As the server asks: one bit for each doubling beyond what is free. */
function bitsFor(bytes: number, free: number): number {
  let bits = 0;
  for (let n = bytes; n > free; n = Math.ceil(n / 2)) bits++;
  return bits;
}

function filesOf(form: HTMLFormElement): number {
  let bytes = 0;
  for (const input of form.querySelectorAll<HTMLInputElement>("input[type=file]"))
    for (const file of input.files ?? []) bytes += file.size;
  return bytes;
}

function enhance(box: HTMLElement, form: HTMLFormElement, field: HTMLInputElement): void {
  let worker: Worker | undefined;
  const send = (): void => {
    worker?.terminate();
    worker = undefined;
    form.submit();
  };
  const say = document.createElement("p"), bar = document.createElement("progress"), skip = document.createElement("button");
  say.setAttribute("role", "status");
  say.id = "stamp-working";
  bar.max = 1;
  bar.setAttribute("aria-labelledby", say.id);
  skip.type = "button";
  skip.textContent = box.dataset.skip ?? "";
  skip.addEventListener("click", send);
  box.append(say, bar, skip);

  form.addEventListener("submit", (event) => {
    if (field.value.trim()) return;
    event.preventDefault();
    if (worker) return;
    const bits = Number(box.dataset.bits) + bitsFor(filesOf(form), Number(box.dataset.freeBytes));
    const details = box.closest("details");
    if (details) details.open = true;
    box.hidden = false;
    say.textContent = box.dataset.working ?? "";
    box.scrollIntoView({ block: "nearest" });
    try {
      worker = new Worker(SCRIPT);
    } catch {
      return send();
    }
    worker.onerror = send;
    worker.onmessage = (message: MessageEvent<Found>) => {
      bar.value = 1 - Math.exp(-message.data.tried / 2 ** bits);
      if (message.data.nonce === undefined) return;
      field.value = message.data.nonce;
      send();
    };
    const task: Task = { prefix: box.dataset.prefix ?? "", bits };
    worker.postMessage(task);
  });
  /* Come back to by the browser's history: a stamp that was used is none. */
  window.addEventListener("pageshow", () => {
    box.hidden = true;
    worker?.terminate();
    worker = undefined;
  });
}

if (typeof document === "undefined") {
  self.onmessage = (message: MessageEvent<Task>) => work(message.data);
} else {
  const box = document.querySelector<HTMLElement>(".stamp-work");
  const form = box?.closest("form");
  const field = form?.querySelector<HTMLInputElement>("input[name=stamp]");
  if (box && form && field && "Worker" in window) enhance(box, form, field);
}

export {};
