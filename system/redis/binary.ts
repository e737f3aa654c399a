import { delimiter, dirname } from 'node:path';
import which from 'which';
import { run } from '../process/run-program.ts';

/** Before 7.0, nobody knows how many entries were ever added, nor what XAUTOCLAIM has taken off a list. */
export const OLDEST_REDIS = '7.0';

/** Where the workbook may have its redis-server from, in the order in which it looks. */
export type Source =
  | 'REDISMS_SYSTEM_BINARY'
  | 'PATH'
  | "the workbook's cache"
  | "your system's package"
  | 'built from source';

/** A program that was tried, and is a Redis that the workbook can use. */
export interface RedisBinary {
  readonly path: string;
  /** 'Redis', 'Valkey' or whatever else it calls itself. */
  readonly name: string;
  readonly version: string;
  readonly source: Source;
}

/** Why there is no Redis at a place: one line, without a full stop. */
export interface NotFound {
  readonly reason: string;
}

/** Whether a search came out with a Redis. */
export function found(result: object): result is RedisBinary {
  return 'path' in result;
}

/** Runs `path --version` and says what it is: a Redis that is new enough, or why it will not do. */
export async function tryBinary(path: string, source: Source): Promise<RedisBinary | NotFound> {
  const { code, output } = await run(path, ['--version']);
  const [, name, version] = /^(\w+) server v=(\d+(?:\.\d+)*)/m.exec(output) ?? [];
  if (!name || !version) {
    const firstLine = output.trim().split('\n')[0] || `exit code ${code}`;
    return { reason: `${path} does not run as a redis-server (${firstLine})` };
  }
  if (name === 'Redis' && isOlder(version, OLDEST_REDIS)) {
    return {
      reason: `${path} is Redis ${version}, and the workbook needs ${OLDEST_REDIS} or newer`,
    };
  }
  return { path, name, version, source };
}

/** Compares versions number by number: 6.2 is older than 6.10. */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

/** The redis-cli (or valkey-cli) that belongs to a server, or one on PATH; undefined when there is none. */
export async function findCli(server: RedisBinary | undefined): Promise<string | undefined> {
  const names =
    server?.name === 'Valkey' ? ['valkey-cli', 'redis-cli'] : ['redis-cli', 'valkey-cli'];
  const { PATH = '' } = process.env;
  const path = server ? dirname(server.path) + delimiter + PATH : PATH;
  const clis = await Promise.all(names.map((name) => which(name, { nothrow: true, path })));
  return clis.find((cli) => cli !== null);
}
