import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A client's connection to the proxy, and the one to the server that goes with it. */
interface Line {
  readonly inside: Socket;
  readonly outside: Socket;
  silent: boolean;
}

/** What is swallowed: bytes both ways, or only those that come from the server. */
export type Swallowed = 'everything' | 'replies';

/**
 * Stands between clients and a Redis server, and does to their connections what a bad network does. It starts by passing on
 * everything, and closes with the test.
 */
export class SilentProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #lines = new Set<Line>();
  #port = 0;
  #swallowed: Swallowed | undefined;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((inside) => this.#accept(inside));
  }

  /** Opens a proxy on a free port of this machine, before the server at `url`. */
  static async open(url: string): Promise<SilentProxy> {
    const proxy = new SilentProxy(new URL(url));
    await proxy.#listen();
    onTestFinished(() => proxy.refuse());
    return proxy;
  }

  /** Where clients connect to. */
  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** How many connections have been opened and not closed, silent ones included. */
  get connections(): number {
    return this.#lines.size;
  }

  /**
   * From now on every byte is swallowed, and so is the news that one end has closed. Connections stay open, and new ones are
   * accepted. Nobody is told. With `replies`, the server still gets what is sent to it.
   */
  swallow(what: Swallowed = 'everything'): void {
    this.#swallowed = what;
    for (const line of this.#lines) silence(line, what);
  }

  /** New connections work again. Those that have fallen silent stay silent: what they lost does not come back. */
  passOn(): void {
    this.#swallowed = undefined;
  }

  /** Closes all connections at once; both ends notice. */
  cut(): void {
    for (const { inside, outside } of this.#lines) {
      inside.destroy();
      outside.destroy();
    }
    this.#lines.clear();
  }

  /** Cuts all connections, and refuses new ones. */
  async refuse(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Accepts connections again after `refuse`, at the same address. */
  async accept(): Promise<void> {
    await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  #accept(inside: Socket): void {
    const { hostname, port } = this.#target;
    const outside = connect({ host: hostname, port: Number(port), noDelay: true });
    const line: Line = { inside, outside, silent: false };
    this.#lines.add(line);
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      from.pipe(to);
      from.on('error', () => {}); // 'close' follows
      from.on('close', () => {
        if (line.silent) return;
        to.destroy();
        this.#lines.delete(line);
      });
    }
    if (this.#swallowed) silence(line, this.#swallowed);
  }
}

/** Both ends stay open, and what comes in goes nowhere. */
function silence(line: Line, what: Swallowed): void {
  line.silent = true;
  const swallowed = what === 'replies' ? [line.outside] : [line.inside, line.outside];
  for (const socket of swallowed) {
    socket.unpipe();
    socket.resume();
  }
}
