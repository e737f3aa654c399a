import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const LOOPBACK = '127.0.0.1';
const DIRECTIONS = ['requests', 'replies'] as const;

export type Direction = (typeof DIRECTIONS)[number];
type Treatment = 'pass' | 'swallow' | 'hold';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  readonly treatment: Record<Direction, Treatment>;
  readonly held: Record<Direction, Buffer[]>;
  /** Whether it has read in a group. */
  reads: boolean;
}

/**
 * A network between clients and a server that can go wrong: it passes bytes on, swallows or holds them, cuts connections, and
 * refuses new ones. It starts by passing on everything, and closes with the test.
 */
export class TcpProxy {
  /** The server's URL. Connections that come from now on go there: that is how a name moves in a fail-over. */
  target: string;
  readonly #connections = new Set<Connection>();
  readonly #listener: Server;
  #port = 0;
  /** What becomes of new connections. */
  #swallowed: readonly Direction[] = [];
  #holdsReads = false;

  private constructor(target: string) {
    this.target = target;
    this.#listener = createServer((client) => this.#join(client));
  }

  /** Opens a proxy on a free port, before the server at `url` on this machine. */
  static async open(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(url);
    await proxy.accept();
    onTestFinished(() => {
      proxy.refuse();
      proxy.cut();
    });
    return proxy;
  }

  /** Where clients connect to. */
  get url(): string {
    return `redis://${LOOPBACK}:${this.#port}`;
  }

  /** How many connections have been opened and not closed, silent ones included. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Drops what goes in these directions, or in both, on the connections that are open; new ones work, as when a router has
   * forgotten a connection. Nobody is told, nor that one end has closed.
   */
  swallow(...directions: Direction[]): void {
    for (const connection of this.#connections) silence(connection, directions);
  }

  /** The same, and new connections are accepted and fall silent, too, until `passOn`. */
  swallowAll(...directions: Direction[]): void {
    this.#swallowed = directions.length > 0 ? directions : DIRECTIONS;
    this.swallow(...this.#swallowed);
  }

  /** Keeps what goes in these directions, or in both, until `passOn`. */
  hold(...directions: Direction[]): void {
    for (const { treatment } of this.#connections) {
      for (const direction of orBoth(directions)) treatment[direction] = 'hold';
    }
  }

  /** Keeps what the server says to those who have read in a group, until `passOn`. */
  holdReads(): void {
    this.#holdsReads = true;
  }

  /** How many pieces are kept in this direction. */
  held(direction: Direction): number {
    const counts = [...this.#connections].map(({ held }) => held[direction].length);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Passes on what was held, and all that comes. A connection that has fallen silent stays so: what it lost does not come back. */
  passOn(): void {
    this.#swallowed = [];
    this.#holdsReads = false;
    for (const { client, server, treatment, held } of this.#connections) {
      for (const direction of DIRECTIONS) {
        if (treatment[direction] === 'hold') treatment[direction] = 'pass';
      }
      for (const chunk of held.requests.splice(0)) server.write(chunk);
      for (const chunk of held.replies.splice(0)) client.write(chunk);
    }
  }

  /** Closes the connections that are open; both ends notice. */
  cut(): void {
    for (const { client, server } of this.#connections) {
      client.destroy();
      server.destroy();
    }
    this.#connections.clear();
  }

  /** Nothing listens any more; what is open stays open. */
  refuse(): void {
    this.#listener.close();
  }

  /** Listens again, at the same address. */
  async accept(): Promise<void> {
    this.#listener.listen(this.#port, LOOPBACK);
    await once(this.#listener, 'listening');
    const address = this.#listener.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  #join(client: Socket): void {
    const server = connect({
      host: LOOPBACK,
      port: Number(new URL(this.target).port),
      noDelay: true,
    });
    client.setNoDelay(true);
    const connection: Connection = {
      client,
      server,
      treatment: { requests: 'pass', replies: 'pass' },
      held: { requests: [], replies: [] },
      reads: false,
    };
    this.#connections.add(connection);
    if (this.#swallowed.length > 0) silence(connection, this.#swallowed);
    this.#relay(connection, 'requests', client, server);
    this.#relay(connection, 'replies', server, client);
  }

  #relay(connection: Connection, direction: Direction, from: Socket, to: Socket): void {
    const { treatment, held } = connection;
    from.on('data', (chunk: Buffer) => {
      if (direction === 'requests') connection.reads ||= /xreadgroup/i.test(chunk.toString());
      const isHeld = direction === 'replies' && connection.reads && this.#holdsReads;
      if (treatment[direction] === 'swallow') return;
      if (isHeld || treatment[direction] === 'hold') held[direction].push(chunk);
      else to.write(chunk);
    });
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      if (Object.values(treatment).includes('swallow')) return;
      this.#connections.delete(connection);
      to.destroy();
    });
  }
}

function silence({ treatment }: Connection, directions: readonly Direction[]): void {
  for (const direction of orBoth(directions)) treatment[direction] = 'swallow';
}

function orBoth(directions: readonly Direction[]): readonly Direction[] {
  return directions.length > 0 ? directions : DIRECTIONS;
}
