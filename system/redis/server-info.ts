import { Connection } from '../resp/connection.ts';

/** Who a server is, by its own account. */
export interface ServerInfo {
  readonly url: string;
  /** 'Redis' or 'Valkey'. */
  readonly name: string;
  readonly version: string;
  /** A name for this very run of the server; another server on the same port has another one. */
  readonly runId: string;
  readonly pid: number;
}

/**
 * Asks the server at `url` who it is (`INFO server`). Valkey reports the Redis version that it is
 * compatible with as `redis_version`, and its own as `valkey_version`.
 */
export async function askServer(url: string): Promise<ServerInfo> {
  const connection = await Connection.open(url);
  const reply = await connection.send(['INFO', 'server']).finally(() => connection.close());
  if (reply.type !== 'bulk') {
    throw new Error(reply.type === 'error' ? reply.text : 'The server does not answer INFO.');
  }
  const text = reply.bytes.toString();
  const field = (name: string) => new RegExp(`^${name}:(.*)`, 'm').exec(text)?.[1];
  const valkey = field('valkey_version');
  return {
    url,
    name: valkey ? 'Valkey' : 'Redis',
    version: valkey ?? field('redis_version') ?? '0',
    runId: field('run_id') ?? '',
    pid: Number(field('process_id')),
  };
}
