/* A balancer: takes connections on loopback and passes them on with a PROXY header, version 2, that says they come from
 * somewhere else (the HAProxy project's proxy-protocol.txt; src/wire/proxy.h reads it). */
import { createServer, connect } from "node:net";

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

function header(address, port, to) {
  const out = Buffer.alloc(28);
  SIGNATURE.copy(out);
  out[12] = 0x21; /* version 2, PROXY */
  out[13] = 0x11; /* TCP over IPv4 */
  out.writeUInt16BE(12, 14);
  address.split(".").forEach((part, i) => (out[16 + i] = Number(part)));
  [127, 0, 0, 1].forEach((part, i) => (out[20 + i] = part));
  out.writeUInt16BE(port, 24);
  out.writeUInt16BE(to, 26);
  return out;
}

/* A relay whose connections come from `address` (IPv4); its port is .port, `bytes` counts what came back. */
export function relay(address, to, port = 0) {
  return new Promise((started, failed) => {
    const state = { port: 0, bytes: 0, close: () => server.close() };
    const server = createServer((near) => {
      const far = connect(to, "127.0.0.1");
      far.write(header(address, near.remotePort ?? 1, to)); /* waits for the connection, before all else */
      near.pipe(far);
      far.on("data", (piece) => {
        state.bytes += piece.length;
      });
      far.pipe(near);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
    });
    server.on("error", failed);
    server.listen(port, "127.0.0.1", () => {
      state.port = server.address().port;
      server.unref();
      started(state);
    });
  });
}
