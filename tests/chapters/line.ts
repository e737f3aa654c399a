import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What stands between a program and its Redis: it passes on what it is sent, until it is told otherwise. */
export interface Line {
  readonly url: string;
  /** From now on, what goes over the connections that are open is swallowed, both ways. New ones work. */
  fallSilent(): void;
  /** From now on, what Redis says to those who read in a group is kept back, until `letGo`. */
  holdReads(): void;
  /** How many replies are kept back. */
  readonly held: number;
  letGo(): void;
}

export async function lineTo(port: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let silent = new Set<Socket>();
  const held: (() => void)[] = [];
  let holding = false;

  const proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    let reads = false;
    client.on('data', (data) => {
      reads ||= /xreadgroup/i.test(data.toString('latin1'));
      if (!silent.has(client)) server.write(data);
    });
    server.on('data', (data) => {
      const pass = () => {
        if (!silent.has(client)) client.write(data);
      };
      if (holding && reads) held.push(pass);
      else pass();
    });
    // A line that is silent says nothing of its end either.
    client.on('close', () => {
      if (!silent.has(client)) server.destroy();
    });
    server.on('close', () => {
      if (!silent.has(client)) client.destroy();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    fallSilent() {
      silent = new Set(sockets);
    },
    holdReads() {
      holding = true;
    },
    get held() {
      return held.length;
    },
    letGo() {
      holding = false;
      for (const pass of held.splice(0)) pass();
    },
  };
}
