import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

export type Direction = 'requests' | 'replies';
type Treatment = 'pass' | 'swallow' | 'hold';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  readonly treatment: Record<Direction, Treatment>;
  readonly held: Record<Direction, Buffer[]>;
}

/**
 * A network between clients and a server that can go wrong: it passes bytes on, swallows or holds them, cuts connections, and
 * refuses new ones. What is said of bytes holds for the connections that are open then; new ones pass everything on, as when a
 * router has forgotten a connection.
 */
export class TcpProxy {
  /** The port behind it. Connections that come from now on go there: that is how a name moves in a fail-over. */
  target: number;
  readonly #connections = new Set<Connection>();
  readonly #listener: Server;
  #port = 0;

  private constructor(target: number) {
    this.target = target;
    this.#listener = createServer((client) => this.#join(client));
  }

  /** @param target the port of a server on this machine */
  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.accept();
    return proxy;
  }

  /** Where clients connect to. */
  get port(): number {
    return this.#port;
  }

  /** Drops what goes in these directions. Nobody is told: both ends believe that they are connected. */
  swallow(...directions: Direction[]): void {
    this.#treat('swallow', directions);
  }

  /** Keeps what goes in these directions until `pass`. */
  hold(...directions: Direction[]): void {
    this.#treat('hold', directions);
  }

  /** Passes everything on, and first what was held. */
  pass(): void {
    this.#treat('pass', []);
    for (const { client, server, held } of this.#connections) {
      for (const chunk of held.requests.splice(0)) server.write(chunk);
      for (const chunk of held.replies.splice(0)) client.write(chunk);
    }
  }

  /** Whether any bytes are being held in this direction. */
  holds(direction: Direction): boolean {
    return [...this.#connections].some(({ held }) => held[direction].length > 0);
  }

  /** Closes the connections that are open. */
  cut(): void {
    for (const { client, server } of this.#connections) {
      client.destroy();
      server.destroy();
    }
  }

  /** Nothing listens at the port any more; what is open stays open. */
  refuse(): void {
    this.#listener.close();
  }

  /** Listens again, at the same port. */
  async accept(): Promise<void> {
    this.#listener.listen(this.#port, LOOPBACK);
    await once(this.#listener, 'listening');
    const address = this.#listener.address();
    if (address && typeof address === 'object') this.#port = address.port;
  }

  close(): void {
    this.refuse();
    this.cut();
  }

  #treat(treatment: Treatment, directions: readonly Direction[]): void {
    const all: readonly Direction[] = ['requests', 'replies'];
    for (const connection of this.#connections) {
      for (const direction of directions.length > 0 ? directions : all) {
        connection.treatment[direction] = treatment;
      }
    }
  }

  #join(client: Socket): void {
    const server = connect({ host: LOOPBACK, port: this.target, noDelay: true });
    client.setNoDelay(true);
    const connection: Connection = {
      client,
      server,
      treatment: { requests: 'pass', replies: 'pass' },
      held: { requests: [], replies: [] },
    };
    this.#connections.add(connection);
    this.#relay(connection, 'requests', client, server);
    this.#relay(connection, 'replies', server, client);
  }

  #relay(connection: Connection, direction: Direction, from: Socket, to: Socket): void {
    const { treatment, held } = connection;
    from.on('data', (chunk: Buffer) => {
      if (treatment[direction] === 'pass') to.write(chunk);
      else if (treatment[direction] === 'hold') held[direction].push(chunk);
    });
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      this.#connections.delete(connection);
      to.destroy();
    });
  }
}
