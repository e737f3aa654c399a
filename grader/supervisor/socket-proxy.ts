import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Passes on what comes in at a Unix socket to a Redis server, over TCP: MONITOR tells connections apart by their address,
 * and those that come in at a server's own Unix socket all have the same.
 *
 * @param path of the Unix socket
 * @returns what closes it
 */
export async function openSocketProxy(path: string, url: string): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const proxy = createServer((inside) => {
    const outside = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  proxy.listen(path);
  await once(proxy, 'listening');
  return () => {
    proxy.close();
    for (const socket of open) socket.destroy();
  };
}
