import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { errorCode, errorMessage } from '../../system/process/user-error.ts';
import { CODE, isNotTheirs, LARGEST_BYTES } from './own-files.ts';

/** A clone may come with its packages: names cost little, and none of these is unpacked. */
const MOST_NAMES = 100_000;
const MOST_FILES = 200;
const MOST_BYTES = 10 * 1024 * 1024;
/** Code is packed to a third or a tenth; what is packed to less than this is no code. */
const HIGHEST_RATIO = 100;
const MADE_ON_UNIX = 3;
const KIND_OF_FILE = 0o170000;
const LINK = 0o120000;

export interface Unpacked {
  /** What has been unpacked, as paths below the folder. */
  readonly files: readonly string[];
  /** What has not, with the reason when it is not just that it is no code. */
  readonly others: readonly string[];
  /** Why the zip is not taken at all. Then the files are none. */
  readonly trouble?: string;
}

/**
 * Unpacks the code of a zip that a student has handed in. Nothing in it is trusted: a name that leads out of the folder
 * refuses the whole (yauzl looks at the names, and holds every file to the size that the zip claims for it), links are not
 * made, and there are bounds on sizes, on their number, and on how much comes out of how little.
 *
 * @param folder where to; it need not be there
 */
export async function unpackZip(path: string, folder: string): Promise<Unpacked> {
  try {
    const zip = await openPromise(path);
    if (zip.entryCount <= MOST_NAMES) return await unpack(zip, folder);
    zip.close();
    return refused(`it holds more than ${MOST_NAMES} files`);
  } catch (error) {
    return refused(`it cannot be unpacked (${inWords(error)})`);
  }
}

async function unpack(zip: ZipFile, folder: string): Promise<Unpacked> {
  const files: string[] = [];
  const others: string[] = [];
  let bytes = 0;
  // Leaving the loop, however, closes the file.
  for await (const entry of zip.eachEntry()) {
    const parts = entry.fileName.split('/').filter((part) => part !== '' && part !== '.');
    if (entry.fileName.endsWith('/') || parts.some(isNotTheirs)) continue;
    const name = parts.join('/');
    const reason = whyNotUnpacked(entry);
    if (reason || !CODE.has(extname(name).toLowerCase())) {
      others.push(reason ? `${name} (${reason})` : name);
      continue;
    }
    bytes += entry.uncompressedSize;
    if (files.length === MOST_FILES)
      return refused(`it holds more than ${MOST_FILES} files of code`);
    if (bytes > MOST_BYTES) return refused('it holds more than 10 MB of code');
    const target = join(folder, ...parts);
    mkdirSync(dirname(target), { recursive: true });
    // A name that comes twice is an error: which of the two is meant?
    const file = createWriteStream(target, { flags: 'wx' });
    await pipeline(await zip.openReadStreamPromise(entry), file);
    files.push(join(...parts));
  }
  return { files, others };
}

function whyNotUnpacked(entry: Entry): string | undefined {
  const kind = (entry.externalFileAttributes >>> 16) & KIND_OF_FILE;
  if (entry.versionMadeBy >>> 8 === MADE_ON_UNIX && kind === LINK) return 'a link';
  if (entry.isEncrypted()) return 'with a password';
  if (!entry.canDecodeFileData()) return 'packed in an unusual way';
  if (entry.uncompressedSize > LARGEST_BYTES) return 'larger than 1 MB';
  if (entry.uncompressedSize > entry.compressedSize * HIGHEST_RATIO) return 'packed too densely';
  return undefined;
}

function refused(trouble: string): Unpacked {
  return { files: [], others: [], trouble };
}

/** The file system's messages name paths of this machine: of those, the code says enough. */
function inWords(error: unknown): string {
  return errorCode(error) ?? errorMessage(error).split('\n')[0] ?? '';
}
