import type { Connection } from '../resp/connection.ts';

/** Who a server is, by its own account. */
export interface ServerInfo {
  /** 'Redis' or 'Valkey'. */
  readonly name: string;
  readonly version: string;
  /** A name for this very run of the server; another server on the same port has another one. */
  readonly runId: string;
  readonly processId: number;
}

/**
 * Asks a server who it is (`INFO server`). Valkey reports the Redis version that it is compatible
 * with as `redis_version`, and its own as `valkey_version`.
 */
export async function readServerInfo(connection: Connection): Promise<ServerInfo> {
  const reply = await connection.send(['INFO', 'server']);
  if (reply.type !== 'bulk') {
    throw new Error(reply.type === 'error' ? reply.text : 'The server does not answer INFO.');
  }
  const fields = new Map<string, string>();
  for (const line of reply.bytes.toString().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const valkey = fields.get('valkey_version');
  return {
    name: valkey ? 'Valkey' : 'Redis',
    version: valkey ?? fields.get('redis_version') ?? '0',
    runId: fields.get('run_id') ?? '',
    processId: Number(fields.get('process_id')),
  };
}
