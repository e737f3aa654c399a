import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../process/temporary-folder.ts';
import { fileSystemTrouble } from '../process/user-error.ts';
import { found, type NotFound, type RedisBinary, type Source, tryBinary } from './binary.ts';
import { cacheFolder, UNFINISHED } from './find-redis.ts';

/**
 * Makes a new entry of the cache: all of it, or nothing. `fill` works in a folder that counts as
 * unfinished and goes away when anything fails, also when this process is killed; only after its
 * server has been run is the folder renamed to `name`.
 *
 * @param fill puts an executable server into an empty folder, and returns its name
 * @throws UserError when the cache cannot be written (disk full, no permission)
 */
export async function addToCache(
  name: string,
  source: Source,
  fill: (folder: string) => Promise<{ readonly server: string } | NotFound>,
): Promise<RedisBinary | NotFound> {
  const cache = cacheFolder();
  const folder = temporaryFolder(`${name}${UNFINISHED}`, cache, 'WORKBOOK_CACHE');
  try {
    const filled = await fill(folder.path);
    if ('reason' in filled) return filled;
    const tried = await tryBinary(join(folder.path, filled.server), source);
    if (!found(tried)) return tried;

    const place = join(cache, name);
    rmSync(place, { recursive: true, force: true });
    renameSync(folder.path, place);
    return { ...tried, path: join(place, filled.server) };
  } catch (error) {
    throw fileSystemTrouble(error, `put a Redis into ${cache}`);
  } finally {
    folder.remove();
  }
}

/** Removes what earlier fetches left when they were cut off together with their guardian. */
export function removeUnfinished(): void {
  const cache = cacheFolder();
  for (const entry of readdirSync(cache).filter((name) => name.includes(UNFINISHED))) {
    rmSync(join(cache, entry), { recursive: true, force: true });
  }
}
