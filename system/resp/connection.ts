import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { UserError } from '../process/user-error.ts';
import { type Reply, ReplyParser } from './reply.ts';

/** A connection that sends commands one by one and returns each reply just as the server sent it. */
export class Connection {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  readonly #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  #closed: Error | undefined;

  /** Called with every reply that no command waits for: messages after SUBSCRIBE or MONITOR. */
  onPush: (reply: Reply) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('The server closed the connection.')));
  }

  /**
   * Connects to a `redis://` or `rediss://` URL, with its user, password and database number.
   *
   * @throws UserError when the server refuses the password or the database, else what the system says
   */
  static async open(url: string): Promise<Connection> {
    const address = new URL(url);
    const secure = address.protocol === 'rediss:';
    const host = address.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
    const options = { host, port: Number(address.port || 6379), servername: host };
    const socket = secure ? connectTls(options) : connectPlain(options);
    await once(socket, secure ? 'secureConnect' : 'connect');

    const connection = new Connection(socket);
    const [user = '', password = ''] = [address.username, address.password].map(decodeURIComponent);
    const account = user ? [user, password] : [password];
    if (password) await connection.#demand('the password', ['AUTH', ...account]);
    const database = address.pathname.slice(1);
    if (database) await connection.#demand(`the database ${database}`, ['SELECT', database]);
    return connection;
  }

  /** Sends one command and waits for its reply; an error reply is a reply like any other. */
  send(args: readonly (string | Buffer)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      this.#waiting.push({ resolve, reject });
      this.#socket.write(encodeCommand(args));
    });
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Closes at once; commands that still wait for a reply are rejected. */
  close(): void {
    this.#end(new Error('The connection was closed.'));
    this.#socket.destroy();
  }

  /** Waits until the connection is closed, by either side; closes it when `signal` is aborted. */
  async untilClosed(signal: AbortSignal): Promise<void> {
    const close = () => this.close();
    signal.addEventListener('abort', close);
    if (!this.#socket.destroyed) await once(this.#socket, 'close');
    signal.removeEventListener('abort', close);
  }

  async #demand(what: string, command: readonly string[]): Promise<void> {
    const reply = await this.send(command);
    if (reply.type !== 'error') return;
    this.close();
    throw new UserError(`The server refuses ${what} of this URL: ${reply.text}`);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const reply of this.#parser.push(chunk)) {
        const waiting = this.#waiting.shift();
        if (waiting) waiting.resolve(reply);
        else this.onPush(reply);
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
    }
  }

  #end(error: Error): void {
    this.#closed ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed);
  }
}

/** A command as the protocol has it: an array of bulk strings. */
export function encodeCommand(args: readonly (string | Buffer)[]): Buffer {
  const parts = args.flatMap((arg) => {
    const bytes = Buffer.from(arg);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts]);
}
